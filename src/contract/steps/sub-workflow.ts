import { json, whole } from "../fields.ts";
import { type StepSchema, word } from "./schema.ts";

export const subWorkflow = {
  fields: {
    sub_workflow_id: word.optional(),
    workflow: word.optional(),
    max_nesting_depth: whole.optional(),
    payload: json.optional(),
  },
  aliases: {},
  toldBy: ["sub_workflow_id", "workflow"],
} satisfies StepSchema;
