import type { Express } from "express";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { ALWAYS } from "./answer.ts";

const OURS = fileURLToPath(new URL("docs", import.meta.url));
const SWAGGER_UI = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));

const FILES: Record<string, { name: string; root: string }> = {
  "/docs": { name: "index.html", root: OURS },
  "/docs/initializer.js": { name: "initializer.js", root: OURS },
  "/docs/swagger-ui.css": { name: "swagger-ui.css", root: SWAGGER_UI },
  "/docs/swagger-ui-bundle.js": { name: "swagger-ui-bundle.js", root: SWAGGER_UI },
};

export const DOCS_PATHS = Object.keys(FILES);

/** The one page that a browser is to render: it loads nothing from elsewhere, and runs nothing inline. */
const CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The document of the API, to be read and tried. */
export function serveDocs(app: Express): void {
  const { "Content-Type": _, ...always } = ALWAYS;
  for (const [path, { name, root }] of Object.entries(FILES)) {
    app.get(path, (_request, response) => {
      response.set({ ...always, "X-Request-Id": response.locals.requestId, "Content-Security-Policy": CSP });
      response.sendFile(name, { root });
    });
  }
}
