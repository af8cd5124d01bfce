"""Stored briefs: keep, run, decide, export."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.api.brief_export import ExportFormat, ExportWhat, attachment, exported_rows
from app.api.brief_schemas import (
    BriefBody,
    BriefChangesBody,
    BriefPage,
    BriefResponse,
    BriefRunResponse,
    DecisionBody,
    DecisionList,
    DeliveryList,
    DeliveryResponse,
    GapList,
    GapResponse,
    TrackDecisionResponse,
)
from app.api.dependencies import AssemblyDep, ItemId, Reader, Writer
from app.api.text import Line
from app.keys import Scope

router = APIRouter(prefix="/v1/briefs", tags=["briefs"])


@router.post("", status_code=201)
def create_brief(body: BriefBody, response: Response, caller: Writer, assembly: AssemblyDep) -> BriefResponse:
    """Keep a brief. A clip that it refers to stays for as long as the brief does."""
    made = assembly.briefs.create(
        caller.library_id,
        name=body.name,
        note=body.note,
        request=body.request.to_json(),
        webhook_url=body.webhook.url if body.webhook else None,
    )
    response.headers["Location"] = f"/v1/briefs/{made.brief.id}"
    return BriefResponse.of(made, with_secret=True)


@router.get("")
def list_briefs(
    caller: Reader,
    assembly: AssemblyDep,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Line | None, Query(description="next_cursor of the page before.")] = None,
) -> BriefPage:
    """List the library's briefs, newest first."""
    views, following = assembly.briefs.page(caller.library_id, limit=limit, cursor=cursor)
    return BriefPage(items=[BriefResponse.of(each) for each in views], next_cursor=following)


@router.get("/gaps")
def list_gaps(
    caller: Reader,
    assembly: AssemblyDep,
    min_similarity: Annotated[
        float, Query(ge=-1, le=1, description="Of the best match, to be a good answer.")
    ] = 0.5,
) -> GapList:
    """List briefs with no good answer, worst first: what the catalogue lacks.

    A brief with a shortlisted track is answered. The newest 200 briefs are looked at.
    """
    return GapList(items=[GapResponse.of(gap) for gap in assembly.gaps.gaps(caller.library_id, min_similarity)])


@router.get("/{brief_id}")
def get_brief(brief_id: ItemId, caller: Reader, assembly: AssemblyDep) -> BriefResponse:
    """Read a brief."""
    return BriefResponse.of(assembly.briefs.view(caller.library_id, brief_id))


@router.patch("/{brief_id}")
def edit_brief(brief_id: ItemId, body: BriefChangesBody, caller: Writer, assembly: AssemblyDep) -> BriefResponse:
    """Change what is given. The answer holds the secret of a webhook that was set."""
    edited = assembly.briefs.edit(caller.library_id, brief_id, body.changes())
    return BriefResponse.of(edited, with_secret=body.webhook is not None)


@router.delete("/{brief_id}", status_code=204)
def delete_brief(brief_id: ItemId, caller: Writer, assembly: AssemblyDep) -> None:
    """Remove a brief with its decisions."""
    assembly.briefs.delete(caller.library_id, brief_id)


@router.post("/{brief_id}/run", response_model=BriefRunResponse)
def run_brief(
    brief_id: ItemId,
    caller: Reader,
    assembly: AssemblyDep,
    rejected: Annotated[bool, Query(description="Show rejected tracks, too.")] = False,
    remember: Annotated[
        bool, Query(description="Whether what it shows is not new in later runs; never by a key that only reads.")
    ] = True,
) -> Response:
    """Find what the brief asks for, and say what is new since earlier runs."""
    heeded = remember and caller.scope.allows(Scope.WRITE)
    run = assembly.brief_runs.run(caller.library_id, brief_id, rejected=rejected, remember=heeded)
    return Response(BriefRunResponse.shown(run).model_dump_json(), media_type="application/json")


@router.get("/{brief_id}/decisions")
def list_decisions(brief_id: ItemId, caller: Reader, assembly: AssemblyDep) -> DecisionList:
    """List what was decided."""
    decisions = assembly.briefs.decisions(caller.library_id, brief_id)
    return DecisionList(items=[TrackDecisionResponse.on(track, decision) for track, decision in decisions])


@router.put("/{brief_id}/decisions/{track_id}")
def decide(
    brief_id: ItemId, track_id: ItemId, body: DecisionBody, caller: Writer, assembly: AssemblyDep
) -> TrackDecisionResponse:
    """Shortlist or reject a track."""
    track, decision = assembly.briefs.decide(caller.library_id, brief_id, track_id, body.verdict, body.reason)
    return TrackDecisionResponse.on(track, decision)


@router.delete("/{brief_id}/decisions/{track_id}", status_code=204)
def withdraw_decision(brief_id: ItemId, track_id: ItemId, caller: Writer, assembly: AssemblyDep) -> None:
    """Decide anew some other time."""
    assembly.briefs.withdraw(caller.library_id, brief_id, track_id)


@router.get("/{brief_id}/deliveries")
def list_deliveries(brief_id: ItemId, caller: Reader, assembly: AssemblyDep) -> DeliveryList:
    """List the messages to the brief's webhook."""
    deliveries = assembly.briefs.deliveries(caller.library_id, brief_id)
    return DeliveryList(items=[DeliveryResponse.of(each) for each in deliveries])


@router.get(
    "/{brief_id}/export",
    response_class=Response,
    responses={200: {"content": {each.media_type: {} for each in ExportFormat}, "description": "A file."}},
)
def export_brief(  # noqa: PLR0917 - FastAPI calls it by keyword
    request: Request,
    brief_id: ItemId,
    caller: Reader,
    assembly: AssemblyDep,
    format_: Annotated[ExportFormat, Query(alias="format")] = ExportFormat.CSV,
    what: ExportWhat = ExportWhat.MATCHES,
) -> Response:
    """Send what the brief finds now, without what was rejected, or what was shortlisted, as a file."""
    view = assembly.briefs.view(caller.library_id, brief_id)
    rows = exported_rows(assembly, view.brief, what)
    return attachment(view.brief, rows, format_, what, str(request.base_url))
