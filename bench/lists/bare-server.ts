import { createServer } from "node:http";
import pg from "pg";

// What the product's answer is measured against: the same row by the least that Node and pg need for it.

const db = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 20 });

createServer(async (request, response) => {
  const { rows } = await db.query({
    name: "find_run",
    text: "select * from workflow_runs where id = $1",
    values: [request.url?.slice(1)],
  });
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(rows[0]));
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("listening"));
