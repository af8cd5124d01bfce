"""What the outputs of the taggers mean: three lists of fifty tags, each in the order of its training set."""

from collections.abc import Mapping

MSD = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s", "alternative rock",
    "jazz", "beautiful", "metal", "chillout", "male vocalists", "classic rock", "soul", "indie rock", "Mellow",
    "electronica", "80s", "folk", "90s", "chill", "instrumental", "punk", "oldies", "blues", "hard rock", "ambient",
    "acoustic", "experimental", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening",
    "sexy", "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop", "sad",
    "House", "happy",
)  # fmt: skip
"""The fifty most frequent tags of Last.fm in the Million Song Dataset, by their frequency (``50tagList.txt``)."""

MTAT = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast", "piano", "ambient",
    "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male", "singing", "vocals", "no vocals",
    "harpsichord", "loud", "quiet", "flute", "woman", "male vocal", "no vocal", "pop", "soft", "sitar", "solo",
    "man", "classic", "choir", "voice", "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello",
    "no voice", "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
"""The fifty most frequent tags of MagnaTagATune, by their frequency.

Lists in circulation differ in the order of ``metal`` and ``female voice``. In the weights the 48th output goes
with ``rock`` and ``loud``, the 49th with ``woman`` and ``female``: the rows of the last layer correlate.
"""

JAMENDO = (
    "genre---alternative", "genre---ambient", "genre---atmospheric", "genre---chillout", "genre---classical",
    "genre---dance", "genre---downtempo", "genre---easylistening", "genre---electronic", "genre---experimental",
    "genre---folk", "genre---funk", "genre---hiphop", "genre---house", "genre---indie", "genre---instrumentalpop",
    "genre---jazz", "genre---lounge", "genre---metal", "genre---newage", "genre---orchestral", "genre---pop",
    "genre---popfolk", "genre---poprock", "genre---reggae", "genre---rock", "genre---soundtrack", "genre---techno",
    "genre---trance", "genre---triphop", "genre---world", "instrument---acousticguitar", "instrument---bass",
    "instrument---computer", "instrument---drummachine", "instrument---drums", "instrument---electricguitar",
    "instrument---electricpiano", "instrument---guitar", "instrument---keyboard", "instrument---piano",
    "instrument---strings", "instrument---synthesizer", "instrument---violin", "instrument---voice",
    "mood/theme---emotional", "mood/theme---energetic", "mood/theme---film", "mood/theme---happy",
    "mood/theme---relaxing",
)  # fmt: skip
"""The fifty most frequent tags of MTG-Jamendo, ``category---tag``, in alphabetical order."""

VOCABULARIES: Mapping[str, tuple[str, ...]] = {"msd": MSD, "mtat": MTAT, "jamendo": JAMENDO}
"""By the first half of a weights file's name."""

MSD_ERA = ("60s", "70s", "80s", "90s", "00s")
MSD_INSTRUMENT = ("female vocalists", "male vocalists", "instrumental", "female vocalist", "guitar")
MSD_MOOD = (
    "beautiful", "chillout", "Mellow", "chill", "ambient", "acoustic", "party", "easy listening", "sexy", "catchy",
    "sad", "happy",
)  # fmt: skip
_NO_GENRE = {*MSD_ERA, *MSD_INSTRUMENT, *MSD_MOOD}
MSD_DIMENSIONS: Mapping[str, tuple[str, ...]] = {
    "genre": tuple(tag for tag in MSD if tag not in _NO_GENRE),
    "mood": MSD_MOOD,
    "instrument": MSD_INSTRUMENT,
    "era": MSD_ERA,
}
"""MSD tags by dimension: 28, 12, 5 and 5, the counts that papers 001 and 003 give.

The papers do not print which tag belongs where; ``ambient`` and ``acoustic`` (mood here) and ``oldies`` (genre
here) are the doubtful ones.
"""
