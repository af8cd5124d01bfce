"""The child before its first job."""

from models.registry import load_encoder
from workers.embed_process import WARM_UP_S, warm_up


def test_every_encoder_has_embedded_something_before_the_first_job():
    encoder = load_encoder("librosa", "cpu")
    pooled = []

    class Spy:
        manifest, device = encoder.manifest, encoder.device
        prepare, encode = encoder.prepare, encoder.encode

        def pool(self, prepared, outputs):
            pooled.append(float(prepared.spans_s.max()))
            return encoder.pool(prepared, outputs)

    warm_up([Spy(), Spy()])
    assert pooled == [WARM_UP_S] * 2
