import type { RunFilter } from "../../contract/lists/run-filters.ts";
import { parameters } from "../postgres/list-request.ts";
import type { Db } from "../postgres/pool.ts";

/** A tag or a label that runs are asked for by. Each is a row of its own, in the order of the runs. Without a value: any. */
export interface Mark {
  table: "run_tags" | "run_labels";
  key: string;
  value?: string;
}

export function marksIn({ tag_key, tag_value, label }: RunFilter): Mark[] {
  const marks: Mark[] = [];
  if (tag_key !== undefined) marks.push({ table: "run_tags", key: tag_key, value: tag_value });
  if (label !== undefined) {
    const [key = "", ...value] = label.split("=");
    marks.push({ table: "run_labels", key, value: value.length > 0 ? value.join("=") : undefined });
  }
  return marks;
}

type Given = (value: unknown) => string;

const says = (alias: string, { key, value }: Mark, given: Given): string[] => [
  `${alias}.key = ${given(key)}`,
  ...(value === undefined ? [] : [`${alias}.value = ${given(value)}`]),
];

export const isMark = (mark: Mark, given: Given): string[] => says("mark", mark, given);

/** The run that `of` is, or that it marks, has this mark too. `ofEach`: it is looked up for one after the other, in any case. */
export function hasMark(mark: Mark, given: Given, of: "run" | "mark", ofEach: boolean): string {
  const isSame = `other.project_id = ${of}.project_id and other.created_at = ${of}.created_at
      and other.run_id = ${of === "run" ? "run.id" : "mark.run_id"}`;
  return `exists (
    select from ${mark.table} other where ${isSame} and ${says("other", mark, given).join(" and ")}
    ${ofEach ? "offset 0" : ""})`;
}

/** So many runs are sorted in a moment, and if there are more, some of them are soon found in any order. */
const FEW = 2_000;

/** Of the marks, one that few runs have. */
export async function rareMark(db: Db, filter: RunFilter & { project_id: string }): Promise<Mark | undefined> {
  for (const mark of marksIn(filter)) {
    const { values, given } = parameters();
    const where = [`project_id = ${given(filter.project_id)}`, ...isMark(mark, given)].join(" and ");
    const { rows } = await db.query<{ count: number }>(
      `select count(*) from (select from ${mark.table} mark where ${where} limit ${FEW}) few`,
      values,
    );
    if ((rows[0]?.count ?? FEW) < FEW) return mark;
  }
  return undefined;
}
