"""Genres of MMA's groove files, by their names."""

import re

_WORDS = {
    "ballad": "ballad|lullaby|serenade",
    "blues": "blues|boggie|boogie|bluefolk",
    "country": "country|west|bluegrass|zydeco",
    "disco": "disco|boneym",
    "electronic": "ambient|dance|digital|electric|house|rave|techno|trance|triphop",
    "folk": "folk|bluegrass|hillcountry",
    "funk": "funk",
    "gospel": "hymn|spiritual",
    "hip hop": "hip-?hop|triphop",
    "jazz": "basie|bebop|bigband|charleston|dixie|evansish|fusion|jazz|ragtime",
    "latin": "beguine|bolero|bossa|calypso|chacha|cuban|latin|mambo|merengue|quando|rhumba|salsa|samba|^son$|tango",
    "march": "march",
    "polka": "polka",
    "pop": r"pop|^\d+beat(?!ballad)|2beatp|motown",
    "reggae": "reggae|ska$",
    "rock": "rock|metal|jive|twi(st)?$",
    "show tunes": "broadway|showtune|softshoe",
    "soul": r"soul|motown|r\+b|rb$|^rb",
    "swing": "basie|bigband|bouncy|charleston|foxtrot|polkafox|quickstep|swing",
    "waltz": "waltz",
}


def groove_genres(name: str) -> frozenset[str]:
    """Genres of a groove file by its name without suffix; empty for those that are figures rather than styles."""
    return frozenset(genre for genre, words in _WORDS.items() if re.search(words, name.lower()))
