"""Which part of the worker does which kind of job."""

from dataclasses import dataclass

from app.domain import Job, JobKind
from workers.crew import Work
from workers.watch import Watch


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Draws what is a map, embeds all else."""

    embed: Work
    draw: Work

    def __call__(self, job: Job, watch: Watch) -> None:
        """Do one job and finish it, or raise what its part raises."""
        work = self.draw if job.kind is JobKind.MAP else self.embed
        work(job, watch)
