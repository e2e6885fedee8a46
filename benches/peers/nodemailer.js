// Sends notices as a vendor who uses Node.js would: a script around nodemailer's pool, nunjucks and pg.
//
// usage: nodemailer.js MESSAGES CONNECTIONS row|batch
//
// `row` marks each row as sent by itself, `batch` a thousand together. Prints messages a second and counts the rows marked sent.
const fs = require('fs');
const nodemailer = require('nodemailer');
const nunjucks = require('nunjucks');
const { Pool } = require('pg');

const messages = Number(process.argv[2]);
const maxConnections = Number(process.argv[3]);
const mode = process.argv[4];

async function main() {
  const db = new Pool({
    host: '127.0.0.1', port: Number(process.env.PGPORT || 5432), user: process.env.PGUSER || 'postgres', database: 'nd', max: 10,
  });
  await db.query(`DROP TABLE IF EXISTS notices;
    CREATE TABLE notices (id bigint PRIMARY KEY, email text, name text, company text, status text DEFAULT 'queued', sent_at timestamptz)`);
  await db.query(`INSERT INTO notices (id, email, name, company)
    SELECT i, 'user' || i || '@c' || i % 100 || '.test', 'José User ' || i, 'Company ' || i % 100 FROM generate_series(1, $1::bigint) AS i`,
  [messages]);
  await db.query("CREATE INDEX ON notices (id) WHERE status = 'queued'");
  await db.query('ANALYZE notices');
  const template = (file, autoescape) =>
    nunjucks.compile(fs.readFileSync(`${__dirname}/${file}`, 'utf8'), new nunjucks.Environment(null, { autoescape }));
  const html = template('m.html', true);
  const text = template('m.txt', false);
  const transport = nodemailer.createTransport({
    host: '127.0.0.1', port: Number(process.env.SMTP_PORT || 2525), pool: true, maxConnections, maxMessages: Infinity, ignoreTLS: true,
  });
  const started = process.hrtime.bigint();
  const cpuBefore = process.cpuUsage();
  for (;;) {
    const { rows } = await db.query("SELECT * FROM notices WHERE status = 'queued' ORDER BY id LIMIT 1000");
    if (!rows.length) break;
    const done = [];
    await Promise.all(rows.map(async (row) => {
      const context = {
        subject: 'MFA required soon', name: row.name, deadline: '2026-12-31', company: row.company, email: row.email, days: 14,
        url: `https://login.test/enrol/${row.id}`,
      };
      await transport.sendMail({
        from: 'Sec <sec@x.test>', to: row.email, subject: context.subject, text: text.render(context), html: html.render(context),
      });
      if (mode === 'row') await db.query("UPDATE notices SET status = 'sent', sent_at = now() WHERE id = $1", [row.id]);
      else done.push(row.id);
    }));
    if (mode !== 'row') await db.query("UPDATE notices SET status = 'sent', sent_at = now() WHERE id = ANY($1)", [done]);
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const cpu = process.cpuUsage(cpuBefore);
  const sent = (await db.query("SELECT count(*) FROM notices WHERE status = 'sent'")).rows[0].count;
  console.log(`nodemailer messages=${messages} connections=${maxConnections} mark=${mode}: ${(messages / seconds).toFixed(1)} msg/s; `
    + `cpu ${((cpu.user + cpu.system) / messages).toFixed(0)} us/msg; sent rows ${sent}`);
  transport.close();
  await db.end();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
