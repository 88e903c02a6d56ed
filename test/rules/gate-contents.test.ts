import { describe, expect, test } from "vitest";
import { type Json, parseJson } from "../../src/contract/json.ts";
import { renderedGate } from "../../src/rules/gate-contents.ts";
import type { GateTemplate } from "../../workflows/gate-template.ts";
import { changedSince } from "../../workflows/engine/gates/shown.ts";

const render = (gate: Partial<GateTemplate>, payload: Json, template?: Json) => {
  const text = (value: Json) => ({ text: JSON.stringify(value) });
  const named = { outputs: [], run: { id: "run", workflow_id: "w", attempt: 1 } };
  const sources = { project_id: "demo", run_id: "run", trigger: text(payload), named };
  const step = template === undefined ? undefined : text(template);
  return renderedGate({ approvers: ["ada"], ...gate }, { ...sources, step }, (document) =>
    parseJson("text" in document ? document.text : "null"),
  );
};

const by = (approvers: string[], payload: Json, required?: number) =>
  render({ approvers, required }, payload).approvers;

test("approvers are the texts that references lead to, each once", () => {
  const payload = { boss: "bob", team: "ops", all: ["cleo", "bob"], teams: ["a", "b"] };
  expect(by(["ada"], payload)).toBeUndefined();
  expect(by(["ada", "{{payload.boss}}", "group:{{team}}"], payload)).toEqual(["ada", "bob", "group:ops"]);
  expect(by(["{{all}}", "{{boss}}"], payload)).toEqual(["cleo", "bob"]);
  expect(by(["group:{{teams}}"], payload)).toEqual(["group:a", "group:b"]);
  expect(by(["{{nobody?}}", "{{boss}}"], payload)).toEqual(["bob"]);
});

test.each<[string, string[], Json, string]>([
  ["has no value", ["{{boss}}"], {}, "approval_approvers[0]: payload.boss has no value"],
  ["is null", ["{{boss}}"], { boss: null }, "approval_approvers[0]: payload.boss has no value"],
  ["is a number", ["ada", "{{boss}}"], { boss: 7 }, "approval_approvers[1]: payload.boss is not a text"],
  ["is an object", ["{{boss}}"], { boss: {} }, "approval_approvers[0]: payload.boss is not a text"],
  ["is a list with a number", ["{{boss}}"], { boss: ["a", 1] }, "approval_approvers[0]: payload.boss is not a text"],
  ["is empty", ["group:{{boss}}"], { boss: " " }, "approval_approvers[0]: payload.boss is an empty name"],
  ["is an empty list", ["{{boss}}"], { boss: [] }, "approval_approvers lead to nobody"],
  ["may have none, and there is nobody else", ["{{boss?}}"], {}, "approval_approvers lead to nobody"],
  ["begins with a space", ["{{boss}}"], { boss: " ada" }, 'approval_approvers[0]: " ada" is no name'],
  ["is a reference itself", ["{{boss}}"], { boss: "{{x}}" }, 'approval_approvers[0]: "{{x}}" is no name'],
  ["is a group without a name", ["{{boss}}"], { boss: "group:" }, 'approval_approvers[0]: "group:" is no name'],
  ["makes itself a group", ["{{boss}}"], { boss: "group:ops" }, '"group:ops" is a group, where a person has to be'],
  ["does so in a list", ["{{boss}}"], { boss: ["a", "group:b"] }, '"group:b" is a group, where a person has to be'],
  ["does so in part", ["gr{{boss}}"], { boss: "oup:ops" }, '"group:ops" is a group, where a person has to be'],
])("an approver that %s is none", (_, approvers, payload, problem) => {
  expect(() => by(approvers, payload)).toThrow(problem);
});

test("fewer approvers than it needs are too few, unless a group is among them", () => {
  expect(() => by(["{{all}}"], { all: ["a", "a"] }, 2)).toThrow("approvals_required is 2, of 1 approvers");
  expect(by(["group:{{all}}"], { all: ["a"] }, 2)).toEqual(["group:a"]);
});

test("what it shows is rendered, and hashed field by field", () => {
  const gate = { title: "Ship {{version}}?", text: "**{{version}}**\nreally", options: ["ship"] };
  const links = [{ title: "Build {{version}}", url: "https://ci.example/{{version}}" }];
  const one = render({ ...gate, links, form: '{"type":"object"}' }, { version: 1 }, { n: "{{version}}", k: "v" });
  expect(parseJson(one.shown ?? "")).toEqual({
    title: "Ship 1?",
    text: "**1**\nreally",
    payload: { n: 1, k: "v" },
    links: [{ title: "Build 1", url: "https://ci.example/1" }],
    form: { type: "object" },
    options: ["ship"],
  });
  const same = render({ ...gate, links, form: '{"type":"object"}' }, { version: 1 }, { n: "{{version}}", k: "v" });
  const other = render({ ...gate, links, form: '{"type":"object"}' }, { version: 2 }, { k: "v" });
  expect(changedSince(`1${one.shown_hash}`, `1${same.shown_hash}`)).toEqual([]);
  expect(changedSince(`1${one.shown_hash}`, `1${other.shown_hash}`)).toEqual(["title", "text", "payload", "links"]);
  expect(render({}, {})).toEqual({});
});

describe("what is too large or leads astray fails", () => {
  test.each<[string, Partial<GateTemplate>, Json | undefined, string]>([
    ["title", { title: "{{long}}" }, undefined, "approval_title would be 70000 characters, where 500 may be"],
    ["text", { text: "{{long}}" }, undefined, "approval_text would be 70000 characters, where 32768 may be"],
    ["payload", {}, { all: "{{long}}" }, "approval_payload would be 70010 bytes, where 65536 may be"],
    ["url", { links: [{ url: "https://x/{{long}}" }] }, undefined, "approval_links[0].url would be 70010 characters"],
    ["scheme", { links: [{ url: "{{script}}" }] }, undefined, "approval_links[0].url is no http or https URL"],
    ["control", { links: [{ url: "https://x/{{lines}}" }] }, undefined, "approval_links[0].url has control characters"],
    ["value", { title: "{{gone}}" }, undefined, "payload.gone has no value"],
  ])("%s", (_, gate, template, problem) => {
    expect(() =>
      render(gate, { long: "x".repeat(70_000), script: "javascript:alert(1)", lines: "a\nb" }, template),
    ).toThrow(problem);
  });
});
