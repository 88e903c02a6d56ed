import type { StepInput } from "../../../../src/contract/steps.ts";
import { isGroup, isReference } from "../../gates/gate.ts";
import { nameFaults } from "./names.ts";
import { timeFaults } from "./times.ts";
import { atLeastZero, type Fault, fault } from "../fault.ts";
import { isWebUrl } from "../web-url.ts";

/** What is wrong with the fields of an approval, besides the references in them. */
export function* approvalFaults(input: StepInput): Generator<Fault> {
  const { approval_approvers: approvers = [] } = input;
  yield* nameFaults(approvers, "approval_approvers");
  yield* atLeastZero(input, "approval_timeout_secs");
  const problem = quorumProblem(approvers, input.approvals_required);
  if (problem !== undefined) yield fault("approvals_required", problem);
  yield* timeFaults(input);
  yield* contentFaults(input);
}

/** Why it could never be approved. How many are in a group, or behind a reference, nobody knows yet. */
export function quorumProblem(approvers: string[], required = 1): string | undefined {
  const people = new Set(approvers).size;
  const isKnown = people > 0 && !approvers.some((name) => isGroup(name) || isReference(name));
  return isKnown && required > people ? `approvals_required is ${required}, of ${people} approvers` : undefined;
}

function* contentFaults({ approval_options: options, approval_form: form, approval_links = [], ...input }: StepInput) {
  const twice = options?.find((option, n) => options.indexOf(option) !== n);
  if (twice !== undefined) yield fault("approval_options", `approval_options has ${JSON.stringify(twice)} twice`);
  if (options?.includes("")) yield fault("approval_options", "approval_options must not be empty");
  if (input.approval_on_timeout === "approve" && (options || form !== undefined))
    yield fault(
      "approval_on_timeout",
      `approval_on_timeout approve ${options ? "chooses none of the approval_options" : "gives no values for the approval_form"}`,
    );
  for (const [n, { url }] of approval_links.entries())
    if (!url.includes("{{") && !isWebUrl(url))
      yield { field: `approval_links[${n}].url`, message: `approval_links[${n}].url must be an http or https URL` };
}
