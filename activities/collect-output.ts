import type { Deps } from "../src/deps.ts";
import { loadTexts, saveDocument } from "../src/store/documents.ts";
import type { Activities } from "../workflows/activity-types.ts";

export function collectOutput({ db }: Deps): Activities["collectOutput"] {
  return async ({ run_id, project_id, outputs }) => {
    const texts = await loadTexts(
      db,
      outputs.map(([, output]) => output),
    );
    // Put together as text, so that every output stays as it was written.
    const members = outputs.map(([step_ref], i) => `${JSON.stringify(step_ref)}:${texts[i]}`);
    return saveDocument(db, project_id, run_id, `{${members.join(",")}}`);
  };
}
