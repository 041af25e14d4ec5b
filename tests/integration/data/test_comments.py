"""Every table, view and column of the service's schemas says what it means."""

from service.storage import Pool
from service.storage.migrate import MIGRATIONS
from tests.support.data.schema import read_relations
from tests.support.databases import execute

COMMENTS = "20261129000007_comments.sql"


async def test_no_table_view_or_column_lacks_a_comment(pool: Pool) -> None:
    relations = await read_relations(pool)
    lacking = [each.name for each in relations if not each.comment]
    lacking += [
        f"{each.name}.{column.name}"
        for each in relations
        for column in each.columns
        if not column.comment
    ]
    assert lacking == [], f"comment on these in {COMMENTS}, or in your own migration"


async def test_a_comment_is_one_line_that_ends_like_a_sentence(pool: Pool) -> None:
    texts = [
        text
        for each in await read_relations(pool)
        for text in (each.comment, *(column.comment for column in each.columns))
        if text
    ]
    assert [text for text in texts if "\n" in text or not text.endswith(".")] == []


async def test_removing_the_comments_leaves_none(pool: Pool, dsn: str) -> None:
    _, down = (MIGRATIONS / COMMENTS).read_text("utf-8").split("-- migrate:down")
    await execute(dsn, down)
    relations = await read_relations(pool)
    assert {each.comment for each in relations} == {None}
    assert {column.comment for each in relations for column in each.columns} == {None}
