"""Messages to webhooks that stay here, for tests: the reference of what services may expect."""

from dataclasses import dataclass, field

from app.ports import NotTaken


@dataclass(frozen=True, slots=True)
class SentMessage:
    """What was to be sent."""

    url: str
    body: str
    secret: str
    delivery_id: str


@dataclass(slots=True)
class MemoryWebhookSender:
    """Implements ``ports.WebhookSender``: keeps what it is given, and says what it is told to say.

    Attributes:
        sent: Every message, whether it was taken or not.
        trouble: By URL, why a receiver takes nothing.
    """

    sent: list[SentMessage] = field(default_factory=list)
    trouble: dict[str, NotTaken] = field(default_factory=dict)

    def check(self, url: str) -> None:
        """Everybody may be told."""

    def send(self, url: str, body: str, *, secret: str, delivery_id: str) -> NotTaken | None:
        self.sent.append(SentMessage(url, body, secret, delivery_id))
        return self.trouble.get(url)
