import type { Pool, QueryConfig } from "pg";

interface Node {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  Plans?: Node[];
}

/**
 * The indexes that a statement uses, by the plan for its values, and by the one kept for any where it is prepared. Throws if a
 * table is read from end to end, or if a prepared statement sorts: planned for its values, it may sort the few that are left.
 */
export async function indexesOf(db: Pool, { name, text, values }: QueryConfig): Promise<string> {
  const plans = [await db.query(`explain (format json) ${text}`, values)];
  if (name !== undefined) plans.push(await db.query(`explain (format json, generic_plan) ${text}`));
  const indexes = new Set<string>();
  for (const { rows } of plans) {
    const found = rows[0]["QUERY PLAN"] as string | [{ Plan: Node }];
    const [{ Plan: top }] = typeof found === "string" ? (JSON.parse(found) as [{ Plan: Node }]) : found;
    for (const node of nodesOf(top)) {
      const isBad = node["Node Type"] === "Seq Scan" || (name !== undefined && node["Node Type"].includes("Sort"));
      if (isBad)
        throw new Error(
          `${node["Node Type"]} on ${node["Relation Name"] ?? "rows"}: ${JSON.stringify(top)} of ${text}`,
        );
      if (node["Index Name"]) indexes.add(node["Index Name"]);
    }
  }
  if (indexes.size === 0) throw new Error(`no index is used by ${text}`);
  return [...indexes].join(" + ");
}

const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];
