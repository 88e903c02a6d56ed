import { z } from "zod";

/** An id as we make and show them: in lower case, because to Temporal the same in capitals is another id. */
export const id = z
  .string()
  .regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "must be an id")
  .meta({ id: "Id", format: "uuid" });

/** The id of a version of a workflow or a job. */
export const versionId = z
  .string()
  .regex(/^ver_[0-9a-z]{12}$/)
  .meta({ id: "VersionId" });
