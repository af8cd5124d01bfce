"""A child that draws real maps, and plays scenes instead of embedding."""

from functools import partial

from scenes import play

from app.logs import configure_logging
from app.wiring import open_database
from workers.crew import Crew
from workers.dispatch import Dispatch
from workers.draw_map import MapJobs
from workers.messages import Ready


def main(connection, plan):
    settings, threads = plan
    configure_logging("info", json=False)
    database = open_database(settings)
    crew = Crew(connection, Dispatch(embed=partial(play, database), draw=MapJobs(database)), threads)
    crew.tell(Ready("cpu", ()))
    crew.serve()
