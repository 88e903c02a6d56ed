/** A REST call of the API: its JSON answer, or an Error in the API's own words. */
export type Rest = <Answer>(method: "GET" | "POST" | "DELETE", path: string, body?: object) => Promise<Answer>;

export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function restClient(apiUrl: string, token: string): Rest {
  return async (method, path, body) => {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Refused(response.status, `${method} ${path}: ${(answer as { error: string }).error}`);
    return answer as never;
  };
}

interface Page<Item> {
  data: Item[];
  next_cursor?: string;
}

/** Every item of a list, page by page. */
export async function all<Item>(rest: Rest, path: string, query: Record<string, string>): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const search: URLSearchParams = new URLSearchParams({
      ...query,
      envelope: "true",
      limit: "100",
      ...(cursor && { cursor }),
    });
    const page: Page<Item> = await rest("GET", `${path}?${search}`);
    items.push(...page.data);
    cursor = page.next_cursor;
  }
  return items;
}
