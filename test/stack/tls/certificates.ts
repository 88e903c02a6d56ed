import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Signed {
  /** Paths of files in PEM. */
  cert: string;
  key: string;
}

/** An authority of a test's own, and what it signs. */
export interface Authority {
  cert: string;
  sign(name: string, of?: { altNames?: string; days?: number }): Signed;
  remove(): void;
}

export function makeAuthority(): Authority {
  const dir = mkdtempSync(join(tmpdir(), "workflow-runs-ca-"));
  // The user that PostgreSQL runs as has to get through.
  chmodSync(dir, 0o755);
  const at = (file: string) => join(dir, file);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  const newKey = ["-newkey", "rsa:2048", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=test authority");
  return {
    cert: at("ca.pem"),
    sign(name, { altNames = "IP:127.0.0.1", days = 30 } = {}) {
      const [cert, key] = [at(`${name}.pem`), at(`${name}.key`)];
      openssl("req", ...newKey, "-keyout", key, "-out", at(`${name}.csr`), "-subj", `/CN=${name}`);
      writeFileSync(at(`${name}.ext`), `subjectAltName=${altNames}\n`);
      const by = ["-CA", at("ca.pem"), "-CAkey", at("ca.key"), "-CAcreateserial"];
      const of = ["-days", String(days), "-extfile", at(`${name}.ext`)];
      openssl("x509", "-req", "-in", at(`${name}.csr`), ...by, "-out", cert, ...of);
      return { cert, key };
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export const pemOf = ({ cert, key }: Signed) => ({ cert: readFileSync(cert), key: readFileSync(key) });
