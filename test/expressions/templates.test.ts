import { describe, expect, test } from "vitest";
import { type Json, parseJson, stringifyJson } from "../../src/contract/json.ts";
import { follow, type Reference, stepOf } from "../../workflows/expressions/references.ts";
import { stepPayload } from "../../workflows/expressions/step-payload.ts";
import * as templates from "../../workflows/expressions/templates.ts";
import { timesAsLong } from "../stack/cost.ts";

const { TemplateError } = templates;

interface Scope {
  payload: Json;
  outputs: { [ref: string]: Json };
}

const valueIn =
  ({ payload, outputs }: Scope) =>
  (reference: Reference): Json | undefined => {
    if (reference.root === "payload") return follow(reference.path, payload);
    const found = stepOf(reference, (ref) => Object.hasOwn(outputs, ref));
    return found && follow(found.path, outputs[found.step]);
  };
const render = (template: Json, scope: Scope): Json => templates.render(template, valueIn(scope));
const renderText = (template: string, scope: Scope): string => templates.renderText(template, valueIn(scope));

const scope = {
  payload: {
    name: "Ada",
    order: { id: 7, lines: [1, 2], note: null },
    big: 12345678901234567890n,
    "odd name}}": { "a.b": [["x"]] },
    outputs: "mine",
    größe: 3,
  },
  outputs: {
    "unit-tests": { passed: 12 },
    build: { image: "app:7", js: "of build", items: [{ id: 1 }, { id: 2 }] },
    "build.js": { image: "app.js:7" },
    "v1:2": { ok: true },
  },
};

describe("a placeholder", () => {
  test("alone in a string keeps the type of its value", () => {
    expect(render("{{order.id}}", scope)).toBe(7);
    expect(render("{{order.lines}}", scope)).toEqual([1, 2]);
    expect(render("{{order.note}}", scope)).toBeNull();
    expect(render("{{big}}", scope)).toBe(12345678901234567890n);
  });

  test("among other text becomes text", () => {
    expect(render("Dear {{name}}, order {{order.id}}{{order.note}}: {{order.lines}} {{big}}", scope)).toBe(
      "Dear Ada, order 7: [1,2] 12345678901234567890",
    );
  });

  test("reads the payload and outputs, by the names that steps may have", () => {
    expect(render("{{payload.name}}", scope)).toBe("Ada");
    expect(render("{{outputs.build.image}} {{parent_outputs.build.image}}", scope)).toBe("app:7 app:7");
    expect(render("{{outputs.unit-tests.passed}}", scope)).toBe(12);
    expect(render("{{outputs.v1:2.ok}}", scope)).toBe(true);
    expect(render("{{größe}}", scope)).toBe(3);
  });

  test("means the step with the longest name, unless that is in quotes", () => {
    expect(render("{{outputs.build.js.image}}", scope)).toBe("app.js:7");
    expect(render('{{outputs["build.js"].image}}', scope)).toBe("app.js:7");
    expect(render('{{outputs["build"].js}}', scope)).toBe("of build");
  });

  test("reaches into arrays, and to any name in quotes", () => {
    expect(render("{{order.lines[1]}}{{order.lines.0}}", scope)).toBe("21");
    expect(render("{{outputs.build.items[1].id}}", scope)).toBe(2);
    expect(render('{{payload["odd name}}"]["a.b"][0].0}}', scope)).toBe("x");
    expect(render('{{payload["order"].id}}', scope)).toBe(7);
  });

  test("may have spaces around it", () => {
    expect(render("{{ name }}", scope)).toBe("Ada");
    expect(render("{{\torder.id  }}!", scope)).toBe("7!");
  });

  test("begins with a root, if there is one of its name: the payload's own member is under payload", () => {
    expect(render("{{payload.outputs}}", scope)).toBe("mine");
    expect(() => render("{{outputs.name}}", scope)).toThrow("outputs.name has no value");
  });

  test.each([
    ["{{nobody}}", "payload.nobody has no value"],
    ["{{order.nothing.more}}", "payload.order.nothing.more has no value"],
    ["{{payload.order.nothing}}", "payload.order.nothing has no value"],
    ["{{order.lines[2]}}", "payload.order.lines[2] has no value"],
    ["{{order.lines.01}}", "payload.order.lines.01 has no value"],
    ["{{order.lines.length}}", "payload.order.lines.length has no value"],
    ["{{name.first}}", "payload.name.first has no value"],
    ["{{name[0]}}", "payload.name[0] has no value"],
    ["{{outputs.gone.x}}", "outputs.gone.x has no value"],
    ["{{parent_outputs.build.x}}", "parent_outputs.build.x has no value"],
    ["{{constructor}}", "payload.constructor has no value"],
    ["{{__proto__}}", "payload.__proto__ has no value"],
    ["{{payload.order.constructor.name}}", "payload.order.constructor.name has no value"],
  ])("%s without a value is an error", (template, message) => {
    for (const text of [template, `<${template}>`, `{{name}}${template}`]) {
      expect(() => render({ deep: [text] }, scope)).toThrow(TemplateError);
      expect(() => renderText(text, scope)).toThrow(message);
    }
  });

  test("may have no value where it ends in a question mark", () => {
    expect(render("{{nobody?}}", scope)).toBeNull();
    expect(render("{{ order.nothing.more? }}", scope)).toBeNull();
    expect(render("<{{nobody?}}>", scope)).toBe("<>");
    expect(render("{{name?}}", scope)).toBe("Ada");
    expect(renderText("a{{outputs.gone?}}", scope)).toBe("a");
  });

  test.each([
    ["{{{{", "{{"],
    ["{{{{name}}", "{{name}}"],
    ["{{{{{{name}}", "{{Ada"],
    ["{{{name}}}", "{Ada}"],
    ["{{{{{{{{", "{{{{"],
    ["{{{{{", "{{{"],
    ['{"a":{"b":{{order.id}}}}', '{"a":{"b":7}}'],
    ["}} { }", "}} { }"],
  ])("%s is %s", (template, text) => {
    expect(render(template, scope)).toBe(text);
  });

  test.each([
    ["{{}}", '"" is not a reference'],
    ["{{", '"" is not a reference'],
    ["{{name", "{{name is not a reference followed by }}"],
    ["{{name}", "{{name} is not a reference followed by }}"],
    ["{{a b}}", "{{a b is not a reference followed by }}"],
    ["{{a | upper}}", "{{a | upper is not"],
    ["{{#if x}}", '"#if x" is not a reference'],
    ["{{a..b}}", "{{a..b is not"],
    ["{{a[-1]}}", "{{a[-1] is not"],
    ["{{a['b']}}", "{{a['b'] is not"],
    ['{{a["\\x"]}}', "is not a name in quotes"],
    ["{{item.id}}", '"item" exists only within a for-each; a member of the payload is payload.item'],
    ["{{index}}", '"index" exists only within a for-each'],
    ["{{outputs}}", '"outputs" needs the name of a step'],
    ["{{run}}", "run has the members id, workflow_id, created_by, attempt"],
    ["{{run.token}}", "run has the members"],
    [`{{a${".b".repeat(65)}}}`, "longer than a reference may be"],
  ])("%s is refused", (template, message) => {
    expect(() => render(`x${template}`, scope)).toThrow(TemplateError);
    expect(() => render(template, scope)).toThrow(message);
  });

  test("is rendered once: what it puts in is not a template", () => {
    expect(render("{{a}} {{b}}", { payload: { a: "{{b}}", b: 1 }, outputs: {} })).toBe("{{b}} 1");
  });

  test("is replaced at any depth, but not in keys", () => {
    expect(render({ "{{name}}": [{ to: "{{name}}" }] }, scope)).toEqual({ "{{name}}": [{ to: "Ada" }] });
  });

  test("in an event key gives text", () => {
    expect(renderText("payment:{{order.id}}", scope)).toBe("payment:7");
    expect(renderText("{{order.id}}", scope)).toBe("7");
  });
});

describe("rendering is bounded", () => {
  test("in what placeholders put in", () => {
    const big = { payload: { x: "x".repeat(1_000_000) }, outputs: {} };
    expect(() => render("{{x}}".repeat(1000), big)).toThrow(TemplateError);
    expect(() => render(Array(1000).fill("{{x}}"), big)).toThrow(TemplateError);
  });

  test("in depth", () => {
    expect(() => render(parseJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`), scope)).toThrow(TemplateError);
  });

  test("in time", async () => {
    const plain = "a {{order.id}} ".repeat(14_000);
    const usual = () => render(plain, scope);
    for (const hostile of [
      "{{a.".repeat(50_000),
      `{{${"a".repeat(200_000)}`,
      `{{${"a.".repeat(100_000)}`,
      `{{a["${"\\".repeat(200_000)}`,
      `{{a${" ".repeat(200_000)}`,
      `{{${"[".repeat(200_000)}`,
      "{{a?}".repeat(40_000),
    ]) {
      const refused = () => expect(() => render(hostile, scope)).toThrow(TemplateError);
      expect(await timesAsLong(refused, usual)).toBeLessThan(5);
    }
    const escaped = () => render("{".repeat(200_000), scope);
    expect(escaped()).toBe("{".repeat(100_000));
    expect(await timesAsLong(escaped, usual)).toBeLessThan(5);
  });
});

describe("the payload of a step", () => {
  test("is the trigger's, overlaid by its own, with its parents' outputs", () => {
    expect(stepPayload({ trigger: { a: 1, b: 1 }, step: { b: "12" }, parents: [["build", { ok: true }]] })).toEqual({
      a: 1,
      b: "12",
      parent_outputs: { build: { ok: true } },
    });
  });

  test("has parent_outputs on every step but a root", () => {
    expect(stepPayload({ parents: [] })).toEqual({ parent_outputs: {} });
    expect(stepPayload({})).toEqual({});
    expect(stepPayload({ trigger: { parent_outputs: "mine" } })).toEqual({ parent_outputs: "mine" });
    expect(stepPayload({ trigger: { parent_outputs: "mine" }, parents: [] })).toEqual({ parent_outputs: {} });
  });

  test("is one of both, without parents' outputs, where one is no object", () => {
    expect(stepPayload({ trigger: [1], step: { a: 1 }, parents: [["p", 1]] })).toEqual({ a: 1 });
    expect(stepPayload({ trigger: { a: 1 }, step: 1, parents: [["p", 1]] })).toBe(1);
    expect(stepPayload({ trigger: [1], parents: [["p", 1]] })).toEqual([1]);
    expect(stepPayload({ trigger: 0, step: null })).toBe(0);
  });

  test("keeps every digit and every key as data", () => {
    const trigger = parseJson('{"id":12345678901234567890,"__proto__":{"polluted":1},"constructor":2}');
    const payload = stepPayload({
      trigger,
      step: render(parseJson('{"copy":"{{id}}"}'), { payload: trigger, outputs: {} }),
      parents: [["__proto__", { polluted: true }]],
    });
    expect(stringifyJson(payload)).toBe(
      '{"id":12345678901234567890,"__proto__":{"polluted":1},"constructor":2,"copy":12345678901234567890,"parent_outputs":{"__proto__":{"polluted":true}}}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
