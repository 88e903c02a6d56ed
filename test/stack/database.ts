import pg from "pg";

/** A database of one's own: a copy of the migrated template. Returns its URL. */
export async function cloneDatabase(templateUrl: string, name: string): Promise<string> {
  const template = new URL(templateUrl);
  const url = Object.assign(new URL(templateUrl), { pathname: name });
  const admin = new pg.Client(Object.assign(new URL(templateUrl), { pathname: "postgres" }).href);
  await admin.connect();
  try {
    const from = admin.escapeIdentifier(template.pathname.slice(1));
    await admin.query(`create database ${admin.escapeIdentifier(name)} template ${from}`);
  } finally {
    await admin.end();
  }
  return url.href;
}
