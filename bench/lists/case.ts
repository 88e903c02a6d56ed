import type { QueryConfig } from "pg";

/** One question: paths that ask it, and the statements behind them. */
export interface Case {
  name: string;
  kind: "list" | "search" | "one run";
  paths: string[];
  statements: QueryConfig[];
}
