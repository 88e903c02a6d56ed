import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";

const read = (path: string) => readFileSync(path, "utf8");
const FOLDER = "deploy/kubernetes";

interface Probe {
  httpGet: { path: string; port: string };
}
interface Container {
  image: string;
  command: string[];
  env: { name: string; value: string }[];
  ports: { name: string; containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe: Probe;
  readinessProbe: Probe;
  lifecycle?: { preStop: { exec: { command: string[] } } };
  resources: { requests: { memory: string }; limits: { memory: string } };
}
interface Deployment {
  kind: string;
  metadata: { name: string };
  spec: {
    template: {
      metadata: { annotations: Record<string, string> };
      spec: { terminationGracePeriodSeconds: number; containers: [Container] };
    };
  };
}

const documents = (path: string): { kind: string }[] =>
  parseAllDocuments(read(path)).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS();
  });
const kustomization: {
  resources: string[];
  images: { name: string }[];
  configMapGenerator: { literals: string[] }[];
} = parse(read(`${FOLDER}/kustomization.yaml`));
const deployments = kustomization.resources
  .flatMap((name) => documents(`${FOLDER}/${name}`))
  .filter((each): each is Deployment => each.kind === "Deployment")
  .map(({ metadata, spec }) => ({ name: metadata.name, ...spec.template }));
const scripts: Record<string, string> = JSON.parse(read("package.json")).scripts;
const dockerfile = read("Dockerfile");
const variables = new Set([...read(".env.example").matchAll(/^(\w+)=/gm)].map(([, name]) => name));
const settings = kustomization.configMapGenerator.flatMap(({ literals }) => literals.map((each) => each.split("=", 2)));
interface Service {
  command: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  stop_grace_period?: string;
  profiles?: string[];
  volumes?: string[];
  ports?: string[];
}
const composed = read("docker-compose.yml");
const compose: { services: Record<string, Service> } = parse(composed, { merge: true });

test("every file of deploy/ that is YAML can be read as such", () => {
  const files = readdirSync("deploy", { recursive: true, encoding: "utf8" }).filter((name) => /\.ya?ml$/.test(name));
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) expect(documents(`deploy/${file}`).length).toBeGreaterThan(0);
});

test.each([
  { name: "workflow-runs-api", script: "api", metrics: "METRICS_PORT", stopsWithin: 5 + 1 + 30 },
  { name: "workflow-runs-worker", script: "worker", metrics: "WORKER_PORT", stopsWithin: 25 + 15 },
])("$name runs what the image has, and is asked where it answers", ({ name, script, metrics, stopsWithin }) => {
  const { metadata, spec } = deployments.find((each) => each.name === name) ?? expect.fail(name);
  const [container] = spec.containers;
  expect(kustomization.images.map((image) => image.name)).toEqual([container.image]);
  expect(scripts[script]).toBe(`exec ${container.command.join(" ")}`);
  expect(compose.services[script]?.command).toEqual(container.command);
  for (const part of container.command.slice(1)) {
    expect(existsSync(part)).toBe(true);
    expect(dockerfile).toContain(`COPY ${part.split("/")[0]} `);
  }
  const port = (wanted: string) => container.ports.find((each) => each.name === wanted)?.containerPort;
  const metricsPort = container.env.find((each) => each.name === metrics)?.value;
  expect(String(port("metrics"))).toBe(metricsPort);
  expect(metadata.annotations["prometheus.io/port"]).toBe(metricsPort);
  const { startupProbe, livenessProbe, readinessProbe } = container;
  const healthPort = script === "api" ? "http" : "metrics";
  for (const { httpGet } of [livenessProbe, startupProbe ?? livenessProbe])
    expect(httpGet).toEqual({ path: "/health", port: healthPort });
  expect(readinessProbe.httpGet).toEqual({ path: "/health/ready", port: healthPort });
  if (script === "api") expect(dockerfile).toContain(`EXPOSE ${port("http")}`);
  expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(stopsWithin);
});

test("what is set are variables that there are, and secrets are files without a default", () => {
  const names = [
    ...settings.map(([name]) => name),
    ...deployments.flatMap(({ spec }) => spec.containers[0].env.map((each) => each.name)),
  ];
  expect(names.filter((name) => !variables.has(name))).toEqual([]);
  const secrets = settings.filter(([name = ""]) => /SECRET|PASSWORD|KEY|DATABASE/.test(name));
  expect(secrets.length).toBeGreaterThan(1);
  for (const [name, value] of secrets) {
    expect(name).toMatch(/_FILE$/);
    expect(value).toMatch(/^\/run\/secrets\/workflow-runs\//);
  }
});

/** Of .env.example, what compose leaves out: where its own PostgreSQL and Temporal are, files that no container has, and who listens where in one. */
const NOT_COMPOSED = /^(HOST|PORT|PGSSL\w+|TEMPORAL_(TLS|API)\w*|\w+_FILE|OTEL_EXPORTER_OTLP_\w*(CERTIFICATE|KEY))$/;
const [general = "", , ofCompose = ""] = read(".env.example").split(/^# -- Only .*$/m);
const namesIn = (text: string) => [...text.matchAll(/^(\w+)=/gm)].map(([, name = ""]) => name);

test("compose gives API and worker every variable that .env may have, and asks for no other; a password has no default", () => {
  const wanted = namesIn(general).filter((name) => !NOT_COMPOSED.test(name));
  const asked = [...composed.matchAll(/(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}/g)];
  expect(asked.map(([, name = ""]) => name).filter((name) => !variables.has(name))).toEqual([]);
  for (const [, name = "", sign, standard] of asked)
    if (/SECRET|PASSWORD|SMTP_URL|HEADERS/.test(name))
      expect([name, sign === "?" || standard]).toEqual([name, sign === "?" || ""]);
  expect(asked.map(([, name]) => name)).toEqual(expect.arrayContaining(namesIn(ofCompose)));
  for (const name of ["api", "worker"]) {
    const { environment = {} } = compose.services[name] ?? {};
    expect(Object.keys(environment).sort()).toEqual(wanted.sort());
    for (const [variable, value] of Object.entries(environment))
      if (!["DATABASE_URL", "TEMPORAL_ADDRESS", "METRICS_PORT", "WORKER_PORT"].includes(variable))
        expect(value).toMatch(new RegExp(`^\\$\\{${variable}:-`));
  }
});

test.each([
  { name: "api", port: "8080" },
  { name: "worker", port: "WORKER_PORT" },
])("compose asks the $name where it answers, and waits for its end", ({ name, port }) => {
  const { environment = {}, healthcheck, stop_grace_period = "" } = compose.services[name] ?? expect.fail(name);
  expect(healthcheck?.test.at(-1)).toContain(`http://127.0.0.1:${environment[port] ?? port}/health'`);
  // DRAIN_SECS, and 15 s
  expect(Number(stop_grace_period.replace(/s$/, ""))).toBeGreaterThanOrEqual(25 + 15);
});

test("compose brings Prometheus and Grafana only when asked to, on this machine, with the files that are here", () => {
  for (const name of ["prometheus", "grafana"]) {
    const { profiles, ports = [], volumes = [] } = compose.services[name] ?? expect.fail(name);
    expect(profiles).toEqual(["metrics"]);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    const [folder = ""] = volumes[0]?.split(":") ?? [];
    expect(existsSync(folder)).toBe(true);
  }
  const prometheus: { scrape_configs: { job_name: string; dns_sd_configs: [{ names: string[]; port: number }] }[] } =
    parse(read("deploy/prometheus/prometheus.yml"));
  const scraped = prometheus.scrape_configs.map(({ job_name, dns_sd_configs: [{ names, port }] }) => [
    job_name,
    ...names,
    port,
  ]);
  expect(scraped).toEqual([
    ["workflow-runs-api", "api", 9464],
    ["workflow-runs-worker", "worker", 9465],
  ]);
});
