import { parseJson } from "../src/contract/json.ts";
import type { Deps } from "../src/deps.ts";
import { foundValue } from "../src/rules/found-value.ts";
import { loadTexts } from "../src/store/documents.ts";
import type { Activities } from "../workflows/activity-types.ts";
import type { Found } from "../workflows/engine/state.ts";

export function lookUp({ db }: Deps): Activities["lookUp"] {
  return async ({ wanted }) => {
    const documents = [...new Set(wanted.map(({ document }) => document))];
    const found: Record<string, Found> = {};
    // One at a time: a condition may ask for values of many large documents.
    for (const ref of documents) {
      const [text = "null"] = await loadTexts(db, [{ ref }]);
      const document = parseJson(text);
      for (const { key, path } of wanted.filter((one) => one.document === ref)) found[key] = foundValue(document, path);
    }
    return found;
  };
}
