import type { Deps } from "../src/deps.ts";
import { MAX_GIVEN_BYTES, tooMuch } from "../src/rules/rendering.ts";
import { bytesOf, loadTextsWithin, saveDocument } from "../src/store/documents.ts";
import type { Activities } from "../workflows/activity-types.ts";

export function collectOutput({ db }: Deps): Activities["collectOutput"] {
  return async ({ run_id, project_id, outputs }) => {
    const docs = outputs.map(([, output]) => output);
    const texts = await loadTextsWithin(db, docs, MAX_GIVEN_BYTES);
    const bytes = texts.includes(undefined) ? await bytesOf(db, docs) : 0;
    // Put together as text, so that every output stays as it was written.
    const members = outputs.map(([step_ref], i) => `${JSON.stringify(step_ref)}:${texts[i]}`);
    const text = `{${members.join(",")}}`;
    const all = Math.max(bytes, Buffer.byteLength(text));
    if (all > MAX_GIVEN_BYTES) return { refused: tooMuch("the outputs of the sub-workflow are together", all) };
    return saveDocument(db, project_id, run_id, text);
  };
}
