import { describe, expect, test } from "vitest";
import { parseJson, stringifyJson } from "../../src/contract/json.ts";
import { render, renderText, stepPayload, TemplateError } from "../../workflows/expressions/templates.ts";

const scope = {
  payload: {
    name: "Ada",
    order: { id: 7, lines: [1, 2], note: null },
    big: 12345678901234567890n,
    payload: { own: 1 },
  },
  parent_outputs: { "unit-tests": { passed: 12 }, build: { image: "app:7" } },
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

  test("reads the two roots, and step_refs with a dash", () => {
    expect(render("{{payload.name}}", scope)).toBe("Ada");
    expect(render("{{parent_outputs.build.image}}", scope)).toBe("app:7");
    expect(render("{{parent_outputs.unit-tests.passed}}", scope)).toBe(12);
  });

  test("prefers the trigger payload's own member of a root's name, where it resolves", () => {
    expect(render("{{payload.own}}", scope)).toBe(1);
    expect(render("{{payload.order.id}}", scope)).toBe(7);
  });

  test("that resolves to nothing stays as it is", () => {
    for (const text of [
      "{{nobody}}",
      "{{order.nothing}}",
      "{{name.first}}",
      "{{ name }}",
      "{{a-b}}",
      "{{}}",
      "{name}",
      "{{parent_outputs.gone.x}}",
    ]) {
      expect(render(text, scope)).toBe(text);
      expect(render(`<${text}>`, scope)).toBe(`<${text}>`);
    }
  });

  test("reaches nothing that is not the payload's own", () => {
    for (const path of [
      "constructor",
      "__proto__",
      "name.length",
      "order.lines.length",
      "order.constructor.name",
      "payload.__proto__",
    ]) {
      expect(render(`{{${path}}}`, scope)).toBe(`{{${path}}}`);
    }
  });

  test("is rendered once: what it puts in is not a template", () => {
    expect(render("{{a}} {{b}}", { payload: { a: "{{b}}", b: 1 }, parent_outputs: {} })).toBe("{{b}} 1");
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
    const big = { payload: { x: "x".repeat(1_000_000) }, parent_outputs: {} };
    expect(() => render("{{x}}".repeat(1000), big)).toThrow(TemplateError);
    expect(() => render(Array(1000).fill("{{x}}"), big)).toThrow(TemplateError);
  });

  test("in depth", () => {
    expect(() => render(parseJson(`${"[".repeat(100_000)}${"]".repeat(100_000)}`), scope)).toThrow(TemplateError);
  });

  test("in time", () => {
    const started = performance.now();
    render("{{a.".repeat(250_000), scope);
    render(`{{${"a".repeat(1_000_000)}`, scope);
    render(`{{${"a.".repeat(500_000)}`, scope);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("the payload of a step", () => {
  test("is the trigger's, overlaid by its own, with its parents' outputs", () => {
    expect(stepPayload({ trigger: { a: 1, b: 1 }, step: { b: "{{a}}2" }, parents: [["build", { ok: true }]] })).toEqual(
      {
        a: 1,
        b: "12",
        parent_outputs: { build: { ok: true } },
      },
    );
  });

  test("has parent_outputs on every step but a root", () => {
    expect(stepPayload({ parents: [] })).toEqual({ parent_outputs: {} });
    expect(stepPayload({})).toEqual({});
    expect(stepPayload({ trigger: { parent_outputs: "mine" } })).toEqual({ parent_outputs: "mine" });
    expect(stepPayload({ trigger: { parent_outputs: "mine" }, parents: [] })).toEqual({ parent_outputs: {} });
  });

  test("is one of both, without parents' outputs, where one is no object", () => {
    expect(stepPayload({ trigger: [1], step: { a: 1 }, parents: [["p", 1]] })).toEqual({ a: 1 });
    expect(stepPayload({ trigger: { a: 1 }, step: "{{a}}", parents: [["p", 1]] })).toBe(1);
    expect(stepPayload({ trigger: [1], parents: [["p", 1]] })).toEqual([1]);
    expect(stepPayload({ trigger: 0, step: null })).toBe(0);
  });

  test("keeps every digit and every key as data", () => {
    const trigger = parseJson('{"id":12345678901234567890,"__proto__":{"polluted":1},"constructor":2}');
    const payload = stepPayload({
      trigger,
      step: parseJson('{"copy":"{{id}}"}'),
      parents: [["__proto__", { polluted: true }]],
    });
    expect(stringifyJson(payload)).toBe(
      '{"id":12345678901234567890,"__proto__":{"polluted":1},"constructor":2,"copy":12345678901234567890,"parent_outputs":{"__proto__":{"polluted":true}}}',
    );
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});
