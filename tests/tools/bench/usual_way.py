"""The usual way to do the same job: FastAPI, python-multipart, lxml, SQLAlchemy on asyncpg.

As a good engineer writes it who does not write for speed alone: the upload is spooled by the
framework, the file is read project by project, and each project is upserted and its children
replaced in a transaction of its own, by Core inserts with executemany. A project that is new has no
children to delete. Columns and keys are those of the service's tables.
"""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import FastAPI, Form, UploadFile
from lxml import etree
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    Interval,
    MetaData,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    delete,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.schema import CreateSchema, DropSchema

from service.formats.native.mapping import NAMESPACE

_NS: Final = f"{{{NAMESPACE}}}"
_Row = dict[str, Any]

SCHEMA: Final = "usual_way"
metadata = MetaData(schema=SCHEMA)


def _child(name: str, *columns: Column[Any]) -> Table:
    return Table(
        name,
        metadata,
        Column("client_id", BigInteger, primary_key=True),
        Column("project_id", BigInteger, primary_key=True),
        Column("ordinal", Integer, primary_key=True),
        *columns,
        Column("attributes", JSONB, nullable=False),
    )


projects = Table(
    "projects",
    metadata,
    Column("client_id", BigInteger, primary_key=True),
    Column("project_id", BigInteger, Identity(), primary_key=True),
    Column("external_id", Text, nullable=False),
    Column("version", Integer, nullable=False),
    *(Column(name, Text) for name in ("name", "code", "status", "description", "manager")),
    Column("currency", Text),
    Column("start", DateTime),
    Column("finish", DateTime),
    Column("priority", Integer),
    Column("attributes", JSONB, nullable=False),
    UniqueConstraint("client_id", "external_id"),
)
tasks = _child(
    "tasks",
    *(Column(name, Text) for name in ("task_id", "kind", "parent_id", "wbs", "name")),
    Column("start", DateTime),
    Column("finish", DateTime),
    Column("duration", Interval),
    Column("work", Interval),
    Column("percent_complete", Numeric),
    Column("priority", Integer),
    Column("milestone", Boolean, nullable=False),
    Column("summary", Boolean, nullable=False),
    Column("notes", Text),
)
dependencies = _child(
    "dependencies",
    *(Column(name, Text) for name in ("predecessor_id", "successor_id", "type")),
    Column("lag", Interval, nullable=False),
)
resources = _child(
    "resources", *(Column(name, Text) for name in ("resource_id", "name", "type", "email"))
)
assignments = _child(
    "assignments",
    Column("task_id", Text, nullable=False),
    Column("resource_id", Text),
    Column("units", Numeric),
    Column("work", Interval),
)
_CHILDREN: Final = (tasks, dependencies, resources, assignments)

# A DSN that names a UNIX socket by its directory is asyncpg's to read, not SQLAlchemy's.
_dsn = os.environ.get("DATABASE_URL", "")
engine = create_async_engine("postgresql+asyncpg://", connect_args={"dsn": _dsn})


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Every start has fresh tables."""
    async with engine.begin() as connection:
        await connection.execute(DropSchema(SCHEMA, cascade=True, if_exists=True))
        await connection.execute(CreateSchema(SCHEMA))
        await connection.run_sync(metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(lifespan=_lifespan)


@app.post("/api/v2/clients/{client_id}/projects/bulk", status_code=207)
async def bulk(
    client_id: int, file: UploadFile, notes: Annotated[str | None, Form()] = None
) -> dict[str, Any]:
    """Import the projects of the uploaded file, one after the other."""
    successes: list[_Row] = []
    errors: list[_Row] = []
    async with AsyncSession(engine) as session:
        for index, (project, children) in enumerate(_read(file.file)):
            try:
                async with session.begin():
                    project_id, version = await _store(session, client_id, project, children)
            except Exception as exc:
                errors.append({"index": index, "message": str(exc)})
                continue
            successes.append(
                {
                    "index": index,
                    "external_id": project["external_id"],
                    "project_id": project_id,
                    "name": project["name"],
                    "version": version,
                    "tasks": len(children[0]),
                }
            )
    counts = {"created": len(successes), "failed": len(errors)}
    details = {"successes": successes, "errors": errors}
    return {"status": "success", "counts": counts, "details": details, "complete": True}


async def _store(
    session: AsyncSession, client_id: int, project: _Row, children: tuple[list[_Row], ...]
) -> tuple[int, int]:
    upsert = insert(projects).values(client_id=client_id, version=1, **project)
    updated: _Row = {name: upsert.excluded[name] for name in project if name != "external_id"}
    updated["version"] = projects.c.version + 1
    returning = upsert.on_conflict_do_update(
        index_elements=["client_id", "external_id"], set_=updated
    ).returning(projects.c.project_id, projects.c.version)
    project_id, version = (await session.execute(returning)).one()
    for table, rows in zip(_CHILDREN, children, strict=True):
        if version > 1:
            ours = (table.c.client_id == client_id) & (table.c.project_id == project_id)
            await session.execute(delete(table).where(ours))
        if rows:
            for ordinal, row in enumerate(rows):
                row |= {"client_id": client_id, "project_id": project_id, "ordinal": ordinal}
            await session.execute(insert(table), rows)
    return project_id, version


def _read(file: Any) -> Iterator[tuple[_Row, tuple[list[_Row], ...]]]:
    for _, element in etree.iterparse(file, tag=f"{_NS}project", resolve_entities=False):
        yield (
            _project(element),
            (
                [_task(node) for node in element.iterfind(f"{_NS}tasks/{_NS}task")],
                [
                    _dependency(node)
                    for node in element.iterfind(f"{_NS}dependencies/{_NS}dependency")
                ],
                [_resource(node) for node in element.iterfind(f"{_NS}resources/{_NS}resource")],
                [
                    _assignment(node)
                    for node in element.iterfind(f"{_NS}assignments/{_NS}assignment")
                ],
            ),
        )
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _project(element: Any) -> _Row:
    return {
        "external_id": element.get("id"),
        **{
            name: _text(element, name)
            for name in ("name", "code", "status", "description", "manager", "currency")
        },
        "start": _date(element, "start"),
        "finish": _date(element, "finish"),
        "priority": _integer(element, "priority"),
        "attributes": _attributes(element),
    }


def _task(element: Any) -> _Row:
    return {
        "task_id": element.get("id"),
        "kind": element.get("kind", "activity"),
        "parent_id": element.get("parent"),
        "wbs": element.get("wbs"),
        "name": _text(element, "name"),
        "start": _date(element, "start"),
        "finish": _date(element, "finish"),
        "duration": _interval(_text(element, "duration")),
        "work": _interval(_text(element, "work")),
        "percent_complete": _decimal(_text(element, "percent-complete")),
        "priority": _integer(element, "priority"),
        "milestone": element.get("milestone") == "true",
        "summary": element.get("summary") == "true",
        "notes": _text(element, "notes"),
        "attributes": _attributes(element),
    }


def _dependency(element: Any) -> _Row:
    return {
        "predecessor_id": element.get("predecessor"),
        "successor_id": element.get("successor"),
        "type": element.get("type", "FS"),
        "lag": _interval(element.get("lag")) or timedelta(),
        "attributes": _attributes(element),
    }


def _resource(element: Any) -> _Row:
    return {
        "resource_id": element.get("id"),
        "name": _text(element, "name"),
        "type": element.get("type"),
        "email": _text(element, "email"),
        "attributes": _attributes(element),
    }


def _assignment(element: Any) -> _Row:
    return {
        "task_id": element.get("task"),
        "resource_id": element.get("resource"),
        "units": _decimal(element.get("units")),
        "work": _interval(_text(element, "work")),
        "attributes": _attributes(element),
    }


def _attributes(element: Any) -> dict[str, str]:
    return {
        node.get("name"): node.text or ""
        for node in element.iterfind(f"{_NS}attributes/{_NS}attribute")
    }


def _text(element: Any, name: str) -> str | None:
    text: str | None = element.findtext(_NS + name)
    return text


def _date(element: Any, name: str) -> datetime | None:
    text = _text(element, name)
    return datetime.fromisoformat(text) if text else None


def _integer(element: Any, name: str) -> int | None:
    text = _text(element, name)
    return int(text) if text else None


def _decimal(text: str | None) -> Decimal | None:
    return Decimal(text) if text else None


def _interval(text: str | None) -> timedelta | None:
    """The bench's durations are whole hours."""
    return timedelta(hours=int(text[2:-1])) if text else None
