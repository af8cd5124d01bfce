"""Liveness, readiness and metrics: for machines that watch over this one."""

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ConfigDict
from starlette.responses import JSONResponse

from app.api.dependencies import AssemblyDep, Watcher
from app.api.schemas import ResponseBody
from app.services import health
from app.services.health import Finding

router = APIRouter(tags=["operations"])


class AliveResponse(ResponseBody):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "ok"}})
    status: str = "ok"


class FindingResponse(ResponseBody):
    """What one check found."""

    name: str
    verdict: health.Verdict
    message: str
    remedy: str | None


class ReadyResponse(ResponseBody):
    """Whether the service can do its job."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "ready": True,
                "findings": [{"name": "database", "verdict": "ok", "message": "answers", "remedy": None}],
            }
        }
    )
    ready: bool
    findings: list[FindingResponse]


@router.get("/healthz")
async def alive() -> AliveResponse:
    """Tell that the process answers; nothing else is asked."""
    return AliveResponse()


@router.get("/readyz", response_model=ReadyResponse, responses={503: {"model": ReadyResponse}})
def ready(assembly: AssemblyDep) -> JSONResponse:
    """Tell whether database, store, worker and index are there: 200 or 503."""
    findings = list(assembly.examine())
    body = ReadyResponse(ready=health.is_ready(findings), findings=[_shown(finding) for finding in findings])
    return JSONResponse(body.model_dump(mode="json"), status_code=200 if body.ready else 503)


def _shown(finding: Finding) -> FindingResponse:
    return FindingResponse(
        name=finding.name, verdict=finding.verdict, message=finding.message, remedy=finding.remedy
    )


@router.get("/metrics", response_class=Response)
def metrics(request: Request, _: Watcher) -> Response:
    """Metrics for Prometheus."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)
