import { createHash } from "node:crypto";
import { stringifyJson } from "../../contract/json.ts";
import type { Approval } from "../../contract/runs.ts";
import { type Fact, knownFacts } from "../../rules/facts.ts";
import { escapeHtml } from "../../rules/html-text.ts";
import { isWebUrl } from "../../../workflows/engine/steps/web-url.ts";
import { spoken } from "../../../workflows/web-ui/text.ts";

/** What the page says of a gate. */
export interface ShownGate {
  gate: Approval;
  person: string;
  workflow: string;
  runId: string;
  stepRef: string;
  requester?: string;
  /** Nothing starts, whatever is decided, before the run is resumed. */
  isPaused: boolean;
  /** The steps that a yes starts. */
  starts: string[];
  /** Of a gate with options, the steps that each starts, where that is known. */
  byOption?: ReadonlyMap<string, string[]>;
  /** Of an earlier try: why it was refused, and what was filled in. */
  problem?: string;
  comment?: string;
  values?: string;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem } dt { color: #666 } dd { margin: 0 }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: 1rem }
textarea { width: 100%; min-height: 4rem; box-sizing: border-box } button { font: inherit; padding: .5rem 1.5rem; margin-right: 1rem }
.problem { color: #a00 }`;

/** No script, nothing from elsewhere, no frame around it: only forms that post to where it came from. */
export const PAGE_CSP = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>${body}</body></html>
`;

export const messagePage = (title: string, text: string): string => page(title, `<p>${escapeHtml(text)}</p>`);

/** All of it is text: what a definition or a payload says is never markup. */
export function gatePage(shown: ShownGate): string {
  const { gate, person, problem, stepRef, comment = "" } = shown;
  return page(
    gate.title ?? `Approval ${stepRef}`,
    `${problem ? `<p class="problem">${escapeHtml(problem)}</p>` : ""}
${gate.text ? `<pre>${escapeHtml(gate.text)}</pre>` : ""}
<dl>${factsOf(shown)
      .map(([name, value]) => `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)
      .join("")}</dl>
${gate.payload === undefined ? "" : `<pre>${escapeHtml(stringifyJson(gate.payload))}</pre>`}
${linksOf(gate)}
<form method="post">
<p><label>Comment<br><textarea name="comment" maxlength="2000">${escapeHtml(comment)}</textarea></label></p>
${gate.form === undefined ? "" : valuesField(shown)}
${startsIn(shown)}
${shown.isPaused ? "<p>The run is paused: nothing starts before it is resumed.</p>" : ""}
<p>You decide as <b>${escapeHtml(person)}</b>, once.</p>
<p>${buttonsOf(gate)}</p>
</form>`,
  );
}

function factsOf({ gate, workflow, runId, stepRef, requester }: ShownGate): Fact[] {
  const votes = gate.votes?.map(
    ({ actor, decision, option, comment }) => `${actor}: ${option ?? decision}${comment ? ` (${comment})` : ""}`,
  );
  return knownFacts([
    ["Workflow", workflow],
    ["Run", runId],
    ["Step", stepRef],
    ["Started by", requester],
    ["Asked", spoken(Date.parse(gate.requested_at))],
    ["Until", gate.expires_at && spoken(Date.parse(gate.expires_at))],
    ["Needed", gate.required && gate.required > 1 ? `${gate.required} approvals` : undefined],
    ["Votes", votes?.join("; ")],
    ["Comments", gate.comments?.map(({ actor, comment }) => `${actor}: ${comment}`).join("; ")],
  ]);
}

function linksOf({ links = [] }: Approval): string {
  const safe = links.filter(({ url }) => isWebUrl(url));
  const items = safe.map(
    ({ title, url }) =>
      `<li><a rel="noreferrer noopener" href="${escapeHtml(url)}">${escapeHtml(title ?? url)}</a></li>`,
  );
  return items.length > 0 ? `<ul>${items.join("")}</ul>` : "";
}

/** Of hundreds nobody reads the rest. */
const MOST_NAMED = 10;

const namesOf = (steps: string[]): string => {
  const names = steps.slice(0, MOST_NAMED).map((step) => `<b>${escapeHtml(step)}</b>`);
  const more = steps.length - names.length;
  return names.length === 0 ? "nothing by itself" : names.join(", ") + (more > 0 ? ` and ${more} more` : "");
};

/** What comes of a yes, or of each option. */
function startsIn({ gate, starts, byOption }: ShownGate): string {
  if (!gate.options) return `<p>Once approved, it starts ${namesOf(starts)}.</p>`;
  if (!byOption) return `<p>Once decided, it may start ${namesOf(starts)}.</p>`;
  const items = [...byOption].map(([option, steps]) => `<li>${escapeHtml(option)} starts ${namesOf(steps)}.</li>`);
  return `<ul>${items.join("")}</ul>`;
}

const valuesField = ({ gate, values = "" }: ShownGate) =>
  `<p><label>Values, as JSON, of this form<br><textarea name="values">${escapeHtml(values)}</textarea></label></p>
<pre>${escapeHtml(stringifyJson(gate.form))}</pre>`;

/** A gate with options has one for each in place of the yes. */
function buttonsOf({ options = [] }: Approval): string {
  const button = (name: string, value: string, text: string) =>
    `<button name="${name}" value="${escapeHtml(value)}">${escapeHtml(text)}</button>`;
  const yes =
    options.length > 0 ? options.map((one) => button("option", one, one)) : [button("decision", "approve", "Approve")];
  return [...yes, button("decision", "reject", "Reject")].join("\n");
}
