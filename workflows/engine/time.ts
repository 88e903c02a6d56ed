/** Epoch milliseconds as the API writes times: RFC3339, `Z`, no trailing zeros in the fraction. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}
