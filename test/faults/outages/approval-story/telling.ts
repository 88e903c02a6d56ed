import { expect } from "vitest";
import type { startDeployment } from "./deployment.ts";
import type { ListedApproval } from "../../../../src/contract/approvals.ts";
import type { WorkflowRun } from "../../../../src/contract/runs.ts";
import type { Workflow } from "../../../../src/contract/workflows.ts";
import type { Answered } from "../../../stack/harness.ts";
import { until } from "../../../stack/until.ts";

type Deployment = Awaited<ReturnType<typeof startDeployment>>;

/** What an answer may have in it. One with a `command_id` says that the command is stored, and not yet what becomes of it. */
export interface Told {
  id?: string;
  command_id?: string;
  results?: { status: string }[];
}

/** Something that is asked for, and how it may be answered in the end. It is the same thing, however often it is asked for. */
export interface Ask {
  ask: () => Promise<Answered<Told>>;
  answers: number[];
}

const PEOPLE = ["mia", "dan", "sam", "boss"] as const;
type Person = (typeof PEOPLE)[number];

/** The steps that wait for each of them. */
export type Waiting = Partial<Record<Person, string[]>>;

/** One run of the story. */
export class Telling {
  readonly name: string;
  run: WorkflowRun = { id: "" } as WorkflowRun;
  link = "";
  /** When something is due that nobody does. */
  dueAt = 0;
  readonly #deployment: Deployment;
  readonly #workflow: Workflow;
  #asked = 0;

  constructor(deployment: Deployment, workflow: Workflow, n: number) {
    this.#deployment = deployment;
    this.#workflow = workflow;
    this.name = `story-${n}`;
  }

  triggers(): Ask {
    const payload = { story: this.name, manager: "mia", deputy: "dan" };
    return this.#keyed("ada", `/v1/workflows/${this.#workflow.id}/trigger`, { payload }, [202]);
  }

  /** Somebody says something to a gate, under a key of its own each time. */
  says(verb: string, who: Person, body: object = {}, answers = [200], ref = "gate"): Ask {
    return this.#keyed(who, `/v1/workflow-runs/${this.run.id}/steps/${ref}/${verb}`, body, answers);
  }

  decides(who: Person, refs: string[], body: object): Ask {
    const approvals = refs.map((step_ref) => ({ workflow_run_id: this.run.id, step_ref }));
    return this.#keyed(who, "/v1/approvals/decide", { ...body, approvals }, [200]);
  }

  /** By the page behind the link, which knows no keys: once it has decided, it says so. */
  decidesByLink(): Ask {
    const ask = async () => {
      const body = new URLSearchParams({ decision: "approve", comment: "by link" });
      return until(async () => {
        const { status, headers } = await fetch(`${this.#deployment.page}${this.link}`, { method: "POST", body });
        return status !== 503 && { status, headers, body: {} };
      });
    };
    return { ask, answers: [200, 202, 410] };
  }

  async makesLink(ref: string, who: Person): Promise<void> {
    const path = `/v1/workflow-runs/${this.run.id}/steps/${ref}/links`;
    const { body } = await this.#request<{ url: string }>("POST", path, undefined, this.#as(who));
    this.link = new URL(body.url).pathname;
  }

  async gate(ref: string): Promise<ListedApproval> {
    const path = `/v1/workflow-runs/${this.run.id}/steps/${ref}/approval`;
    return (await this.#request<ListedApproval>("GET", path)).body;
  }

  opens = (ref: string) => this.#deployment.on.opens(this.run, ref);
  ends = () => this.#deployment.on.ends(this.run);
  statuses = () => this.#deployment.on.statuses(this.run);

  /** Each of them finds what waits for them, and nothing else. */
  async expectInboxes(...either: Waiting[]): Promise<void> {
    const found = async (who: Person) => {
      const path = `/v1/approvals?mine=true&status=pending&workflow_run_id=${this.run.id}`;
      const { body } = await this.#request<ListedApproval[]>("GET", path, undefined, this.#as(who));
      return [who, body.map(({ step_ref }) => step_ref).sort()];
    };
    const expected = either.map((waiting) => Object.fromEntries(PEOPLE.map((who) => [who, waiting[who] ?? []])));
    expect(expected).toContainEqual(Object.fromEntries(await Promise.all(PEOPLE.map(found))));
  }

  #keyed(who: string, path: string, body: object, answers: number[]): Ask {
    const headers = { "Idempotency-Key": `${this.name}/${++this.#asked}` };
    const { token } = who === "ada" ? { token: undefined } : this.#as(who);
    return { ask: () => this.#request<Told>("POST", path, body, { token, headers }), answers };
  }

  #as = (sub: string) => ({ token: this.#deployment.stack.token({ sub, scopes: ["approvals:decide"] }) });

  get #request() {
    return this.#deployment.request;
  }
}

/** It may only be said that it is stored. */
const isStored = ({ status, body }: Answered<Told>) =>
  status === 202 && (body.command_id !== undefined || body.id === undefined);

/** The first answer is the last one, or says that it is to come. */
export function expectPromised({ answers }: Ask, answer: Answered<Told>): void {
  const promised = isStored(answer) && answers.includes(200) ? 200 : answer.status;
  expect(answers, JSON.stringify(answer.body)).toContain(promised);
}

/** What became of it. */
export async function expectDone({ ask, answers }: Ask): Promise<Answered<Told>> {
  const last = await until(async () => {
    const answer = await ask();
    const isOpen = isStored(answer) || answer.body.results?.some(({ status }) => status === "accepted");
    return !isOpen && answer;
  });
  expect(answers, JSON.stringify(last.body)).toContain(last.status);
  return last;
}
