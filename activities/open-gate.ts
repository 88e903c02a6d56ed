import { valuesOf } from "./render.ts";
import type { Deps } from "../src/deps.ts";
import { renderedGate } from "../src/rules/gate-contents.ts";
import { saveDocument } from "../src/store/documents.ts";
import type { Activities } from "../workflows/activity-types.ts";
import { TemplateError } from "../workflows/expressions/templates.ts";

export function openGate({ db }: Deps): Activities["openGate"] {
  return async ({ gate, sources }) => {
    try {
      const { shown, ...rendered } = renderedGate(gate, sources, await valuesOf(db, sources));
      if (shown === undefined) return rendered;
      return { ...rendered, shown: await saveDocument(db, sources.project_id, sources.run_id, shown) };
    } catch (error) {
      if (error instanceof TemplateError) return { refused: error.message };
      throw error;
    }
  };
}
