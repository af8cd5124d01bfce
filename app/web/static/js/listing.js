// Lists that the service gives a page at a time.

const LARGEST_PAGE = 200;

/** The first `wanted` things of a list, over as many pages as that takes: {items, hasMore}. */
export async function firstOf(api, path, params, wanted) {
  const asked = new URLSearchParams(params);
  const items = [];
  let cursor = null;
  do {
    asked.set("limit", Math.min(wanted - items.length, LARGEST_PAGE));
    if (cursor) asked.set("cursor", cursor);
    const page = await api.get(`${path}?${asked}`);
    items.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor && items.length < wanted);
  return { items: unique(items), hasMore: Boolean(cursor) };
}

/** Each once, where it came first: what changes its place between two pages is on both. */
const unique = (items) => [...new Map(items.map((item) => [item.id, item])).values()];
