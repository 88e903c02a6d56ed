import { status } from "@grpc/grpc-js";
import { ServiceError } from "@temporalio/client";
import { NamespaceNotFoundError } from "@temporalio/common";
import { expect, test } from "vitest";
import { Problem } from "../../src/errors.ts";
import { isOutage } from "../../src/outage.ts";

const grpc = (code: status, details = "") => Object.assign(new Error(details), { code, details, metadata: {} });
const coded = (code: string, message = "") => Object.assign(new Error(message), { code });

test.each([
  ...["08006", "08001", "25006", "28P01", "28000", "3D000", "40001", "40P01", "53000", "53100", "53200", "53300"],
  ...["25P03", "55000", "55P03", "57014", "57P01", "57P02", "57P03", "57P05", "58030"],
  ...["ECONNREFUSED", "ECONNRESET", "ECONNABORTED", "ETIMEDOUT", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"],
  ...["ENETUNREACH", "EADDRNOTAVAIL", "EMFILE", "CERT_HAS_EXPIRED", "DEPTH_ZERO_SELF_SIGNED_CERT"],
  ...["ERR_TLS_CERT_ALTNAME_INVALID", "ERR_SSL_WRONG_VERSION_NUMBER"],
])("%s is an outage", (code) => {
  expect(isOutage(coded(code))).toBe(true);
  expect(isOutage(new Error("wrapped", { cause: coded(code) }))).toBe(true);
});

test.each([
  "CANCELLED",
  "DEADLINE_EXCEEDED",
  "UNAVAILABLE",
  "RESOURCE_EXHAUSTED",
  "ABORTED",
  "UNKNOWN",
  "INTERNAL",
  "UNAUTHENTICATED",
  "PERMISSION_DENIED",
] as const)("gRPC's %s is an outage", (name) => {
  expect(isOutage(grpc(status[name], "transport error"))).toBe(true);
  expect(isOutage(new ServiceError("Failed to signal Workflow", { cause: grpc(status[name]) }))).toBe(true);
});

test.each([
  new Error("Connection terminated unexpectedly"),
  new Error("Connection terminated due to connection timeout"),
  new Error("timeout exceeded when trying to connect"),
  new Error("Query read timeout"),
  new Error("Client has encountered a connection error and is not queryable"),
  Object.assign(new Error("connect ENOENT /run/postgresql"), { code: "ENOENT", syscall: "connect" }),
  Object.assign(new AggregateError([coded("ECONNREFUSED")]), { code: "ECONNREFUSED" }),
  new NamespaceNotFoundError("gone"),
])("%s is an outage", (error) => expect(isOutage(error)).toBe(true));

test.each([
  new TypeError("undefined is not a function"),
  coded("23505", "duplicate key"),
  coded("42P01", "relation does not exist"),
  coded("22P05", "untranslatable character"),
  grpc(status.INVALID_ARGUMENT),
  grpc(status.NOT_FOUND),
  new Problem("conflict", "no"),
  "a string",
  undefined,
])("%s is none", (error) => expect(isOutage(error)).toBe(false));
