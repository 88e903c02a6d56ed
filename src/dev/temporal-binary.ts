import { execFile, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { ConfigError } from "../config.ts";
import { type Say, withProgress } from "./progress.ts";

const VERSION = "1.5.1";
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;

/** The `temporal` command: the one on the PATH, else a cached one, else it is downloaded, else built with Go. */
export async function temporalBinary(cacheDir: string, say: Say): Promise<string> {
  if (runs("temporal", "--version")) return "temporal";
  const cached = join(cacheDir, `temporal-${VERSION}`, "temporal");
  if (existsSync(cached)) return cached;

  mkdirSync(dirname(cached), { recursive: true });
  // Filled in a draft and moved when complete, so that an interrupted attempt leaves nothing that looks complete.
  const draft = mkdtempSync(join(dirname(cached), "draft-"));
  const clear = () => rmSync(draft, { recursive: true, force: true });
  process.once("exit", clear);
  try {
    const refused = await download(draft, say).then(() => undefined, reasonOf);
    if (refused) {
      say(`Temporal can't be downloaded here (${refused}).`);
      await build(draft, say);
    }
    chmodSync(join(draft, "temporal"), 0o755);
    renameSync(join(draft, "temporal"), cached);
  } finally {
    clear();
    process.off("exit", clear);
  }
  return cached;
}

/** Temporal's own download of its CLI, asked the way its SDKs ask. */
async function download(dir: string, say: Say): Promise<void> {
  const platform = process.platform;
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const query = `v${VERSION}?platform=${platform}&arch=${arch}&format=tar.gz&sdk-name=temporal-typescript`;
  const about = await fetch(`https://temporal.download/cli/${query}`, { signal: AbortSignal.timeout(5_000) });
  if (!about.ok) throw new Error(`temporal.download answered ${about.status}`);
  const { archiveUrl, fileToExtract } = (await about.json()) as { archiveUrl: string; fileToExtract: string };
  const archive = await fetch(archiveUrl, { signal: AbortSignal.timeout(300_000) });
  if (!archive.ok || !archive.body) throw new Error(`its archive answered ${archive.status}`);
  const tar = execFile("tar", ["-xzf", "-", "-C", dir, fileToExtract]);
  const unpacked = new Promise<void>((resolve, reject) => {
    tar.once("error", reject);
    tar.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar ended with ${code}`))));
  });
  if (!tar.stdin) throw new Error("tar takes no input");
  const bytes = pipeline(Readable.fromWeb(archive.body), tar.stdin);
  await withProgress(
    say,
    `Downloading the Temporal server ${VERSION} (about 80 MB, once)`,
    Promise.all([bytes, unpacked]),
  );
  if (fileToExtract !== "temporal") renameSync(join(dir, fileToExtract), join(dir, "temporal"));
}

async function build(dir: string, say: Say): Promise<void> {
  if (!runs("go", "version")) {
    throw new ConfigError(
      "No Temporal server: install the Temporal CLI (https://docs.temporal.io/cli) or Go, or set TEMPORAL_ADDRESS to a server of yours.",
    );
  }
  const go = promisify(execFile)("env", [`GOBIN=${dir}`, "go", "install", MODULE], { maxBuffer: 1e8 });
  const giveUp = () => go.child.kill();
  process.once("exit", giveUp);
  try {
    await withProgress(say, `Building the Temporal server ${VERSION} with Go (3 to 4 minutes on two cores, once)`, go);
  } catch (error) {
    const words = reasonOf(error).trim().split("\n").slice(-3).join("\n");
    throw new ConfigError(
      `The Temporal server could not be built: install the Temporal CLI or set TEMPORAL_ADDRESS.\n${words}`,
    );
  } finally {
    process.off("exit", giveUp);
  }
}

function runs(command: string, argument: string): boolean {
  return spawnSync(command, [argument], { stdio: "ignore" }).status === 0;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
