// A real OpenID provider for the tests: panva/oidc-provider with a `password` grant, a protected resource,
// PILOT's portal backend in front of it, counters, and hooks for what a test can't otherwise cause.
// Loopback only, everything in memory. Knobs, all environment variables:
//   PORT=18181 (0: any free one)  ACCESS_TTL=2  REFRESH_TTL=600 (also how long a login lasts, rotated or not)
//   ROTATE=1 (0: refresh tokens are kept)  ACCESS_LOG=/dev/null
//   ENV_FILE= where to write the settings below once it answers  EXIT_WITH_STDIN=1 end when stdin closes
// A token request may name a `run`, any word: the log repeats it. POST /admin/hold {"run"} keeps the responses to refreshes of a run
// back after the provider has committed, until POST /admin/release {"run"}; each of them counts as `token.held`.
import http from 'node:http';
import fs from 'node:fs';
import path from 'node:path';
import crypto from 'node:crypto';
import Provider, { errors } from 'oidc-provider';
import MemoryAdapter from 'oidc-provider/lib/adapters/memory_adapter.js';

// oidc-provider wants Node 22; this is all that Debian 12's Node 18 lacks of it.
URL.parse ??= (url, base) => { try { return new URL(url, base); } catch { return null; } };

const REFRESH_TTL = Number(process.env.REFRESH_TTL ?? 600);
const ROTATE = (process.env.ROTATE ?? '1') === '1';
const ACCESS_LOG = fs.realpathSync(touch(process.env.ACCESS_LOG ?? '/dev/null'));
const LOG = fs.openSync(ACCESS_LOG, 'a');
const USERS = new Map([['alice', 'alice-pw-1'], ['bob', 'p%41+&=: päß']]);
const SCOPES = ['openid', 'offline_access', 'api'];
let accessTtl = Number(process.env.ACCESS_TTL ?? 2);

// The port is bound before the provider exists, as its issuer names the port.
// It closes no idle connection: a client that picks one up just then fails, and a test with it.
const server = http.createServer({ keepAliveTimeout: 0 });
await new Promise((bound, failed) => {
  server.once('error', failed).listen(Number(process.env.PORT ?? 18181), '127.0.0.1', bound);
});
const ISSUER = `http://127.0.0.1:${server.address().port}`;

const held = new Map();
const stats = {};
const bump = (k) => { stats[k] = (stats[k] ?? 0) + 1; };
const log = (o) => fs.writeSync(LOG, `${JSON.stringify({ t: Date.now() / 1000, ...o })}\n`);
// The log says which refresh token was spent, so that a soak can prove none was spent twice, but not the token.
const fingerprint = (s) => (s ? crypto.createHash('sha256').update(s).digest('hex').slice(0, 16) : undefined);
function touch(path) { fs.closeSync(fs.openSync(path, 'a')); return path; }

// The default store keeps the 1,000 newest entries and forgets live logins beyond that: a soak makes more.
class Store {
  #entries = new Map();

  constructor() { setInterval(() => [...this.#entries.keys()].forEach((k) => this.get(k)), 30_000).unref(); }

  get(key) {
    const e = this.#entries.get(key);
    if (e && e.until <= Date.now()) { this.#entries.delete(key); return undefined; }
    return e?.value;
  }

  set(key, value, { maxAge = Infinity } = {}) { this.#entries.set(key, { value, until: Date.now() + maxAge }); }

  delete(key) { this.#entries.delete(key); }

  keys() { return [...this.#entries.keys()]; }
}
const store = new Store();

const client = (grant_types, scope) => (client_id, client_secret) => ({
  client_id, client_secret, grant_types, scope, redirect_uris: [], response_types: [],
  // 9.13.3 takes client_secret_post for such a client as well (lib/shared/client_auth.js)
  token_endpoint_auth_method: 'client_secret_basic',
});
const machine = client(['client_credentials'], 'api');
const user = client(['password', 'refresh_token'], SCOPES.join(' '));

// Clients that sign their own proof (RFC 7523): one with a key pair, whose private half goes into a file, and one with its secret.
const signer = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
const JWT_KEY = process.env.ENV_FILE && path.resolve(path.dirname(process.env.ENV_FILE), 'client-key.der');
if (JWT_KEY) fs.writeFileSync(JWT_KEY, signer.privateKey.export({ type: 'pkcs8', format: 'der' }), { mode: 0o600 });
const signing = (id, rest) => ({ ...machine(id), ...rest });
const signers = [
  signing('svc-key', {
    client_secret: undefined, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256',
    jwks: { keys: [{ ...signer.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'c1' }] },
  }),
  signing('svc-mac', {
    client_secret: 'a-secret-of-32-bytes-at-the-least', token_endpoint_auth_method: 'client_secret_jwt',
    token_endpoint_auth_signing_alg: 'HS256',
  }),
];

// A program on the user's machine (RFC 8252): public, with a browser that comes back to any port of loopback, or with a code.
const native = {
  client_id: 'cli', application_type: 'native', token_endpoint_auth_method: 'none', scope: SCOPES.join(' '),
  grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
  redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'],
};

const provider = new Provider(ISSUER, {
  // No secret beyond ASCII: the provider refuses one, as RFC 6749 appendix A.2 does. Passwords may have it (A.4).
  clients: [user('portal', 'portal-secret'), machine('svc', 'svc-secret'), machine('svc-odd', 'a+b/c%41:=&d'), ...signers, native],
  scopes: SCOPES,
  adapter: (model) => new MemoryAdapter(model, store),
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    deviceFlow: { enabled: true },
    revocation: { enabled: true },
  },
  ttl: {
    AccessToken: () => accessTtl, ClientCredentials: () => accessTtl,
    RefreshToken: REFRESH_TTL, Grant: REFRESH_TTL, IdToken: 600,
  },
  rotateRefreshToken: ROTATE,
  issueRefreshToken: (ctx, by) => by.grantTypeAllowed('refresh_token'),
  interactions: { url: (ctx, { uid }) => `/interaction/${uid}` },
  cookies: { keys: [crypto.randomBytes(16).toString('hex')] },
  jwks: { keys: [{
    ...crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
    use: 'sig', alg: 'RS256', kid: 'k1',
  }] },
  findAccount: (ctx, id) => (USERS.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
});

// Resource owner password credentials (RFC 6749 section 4.3): dropped by OAuth 2.1, so a custom grant here.
provider.registerGrantType('password', async (ctx) => {
  const { client: by, params } = ctx.oidc;
  const missing = ['username', 'password'].filter((p) => !params[p]);
  if (missing.length) throw new errors.InvalidRequest(`missing required parameter(s): ${missing.join(', ')}`);
  if (USERS.get(params.username) !== params.password) throw new errors.InvalidGrant('invalid user credentials');
  const wanted = (params.scope ?? 'api').split(' ').filter(Boolean);
  const bad = wanted.filter((s) => !SCOPES.includes(s));
  if (bad.length) throw new errors.InvalidScope('requested scope is not allowed', bad.join(' '));
  const scope = wanted.join(' ');

  const grant = new provider.Grant({ accountId: params.username, clientId: by.clientId });
  grant.addOIDCScope(scope);
  const common = { accountId: params.username, client: by, grantId: await grant.save(), gty: 'password', scope };
  const at = new provider.AccessToken(common);
  ctx.oidc.entity('AccessToken', at);
  const rt = new provider.RefreshToken({ ...common, authTime: Math.floor(Date.now() / 1000) });
  ctx.oidc.entity('RefreshToken', rt);
  ctx.body = {
    access_token: await at.save(), expires_in: at.expiration, token_type: at.tokenType,
    refresh_token: await rt.save(), scope,
  };
}, ['username', 'password', 'scope']);

// The user at the browser is alice, who agrees to everything; with the header `x-user: nobody` she declines.
async function interact(ctx) {
  const { prompt, params, session } = await provider.interactionDetails(ctx.req, ctx.res);
  let result = { login: { accountId: 'alice' } };
  if (ctx.get('x-user') === 'nobody') {
    result = { error: 'access_denied', error_description: 'the user declined' };
  } else if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: true });
}

const readBody = async (req) => { const c = []; for await (const b of req) c.push(b); return Buffer.concat(c).toString(); };
const readJson = async (req) => { try { return JSON.parse(await readBody(req)); } catch { return undefined; } };

async function echo(ctx) {
  const unauthorized = (why) => {
    bump('echo.401'); log({ ev: 'echo', status: 401, why });
    ctx.status = 401;
    ctx.set('WWW-Authenticate', `Bearer realm="api", error="invalid_token", error_description="${why}"`);
    ctx.body = { error: 'invalid_token', error_description: why };
  };
  const body = await readBody(ctx.req);
  const [, token] = /^bearer +(\S+)$/i.exec(ctx.get('authorization')) ?? [];
  if (!token) return unauthorized('no bearer token');
  const t = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
  if (!t || t.isExpired) return unauthorized('token expired or revoked');
  bump('echo.200'); log({ ev: 'echo', status: 200 });
  ctx.body = { ok: true, method: ctx.method, path: ctx.url, body, sub: t.accountId ?? null, client_id: t.clientId, scope: t.scope };
  return undefined;
}

// What a test can't cause from outside. Revoking spares refresh tokens: the next call is a 401, the next refresh works.
async function admin(ctx) {
  if (ctx.path === '/admin/ttl') {
    const { access } = (await readJson(ctx.req)) ?? {};
    if (Number.isInteger(access) && access > 0) accessTtl = access; else ctx.status = 422;
    ctx.body = { access: accessTtl };
  } else if (ctx.path === '/admin/revoke') {
    const doomed = store.keys().map((k) => k.split(':')).filter(([m]) => ['AccessToken', 'ClientCredentials'].includes(m));
    await Promise.all(doomed.map(([model, id]) => new MemoryAdapter(model, store).destroy(id)));
    bump('admin.revoke'); log({ ev: 'revoke', tokens: doomed.length });
    ctx.body = { revoked: doomed.length };
  } else if (ctx.path === '/admin/hold') {
    const hold = {};
    hold.over = new Promise((release) => { hold.release = release; });
    held.set((await readJson(ctx.req)).run, hold);
    ctx.body = {};
  } else if (ctx.path === '/admin/release') {
    const { run } = await readJson(ctx.req);
    held.get(run)?.release();
    held.delete(run);
    ctx.body = {};
  }
}

// PILOT's backend in front of this provider: login, refresh (one word: refreshtoken), HPC login, and the envelope.
const PILOT = {
  '/v1/users/auth': 'auth', '/portal/users/auth': 'auth', '/v1/users/refresh': 'refresh',
  '/portal/users/refresh': 'refresh', '/v1/hpc/auth': 'hpc',
};
const PILOT_FIELDS = { auth: ['username', 'password'], refresh: ['refreshtoken'], hpc: ['username', 'password', 'token_issuer'] };

async function pilot(ctx, what) {
  const answer = (status, body) => {
    bump(`pilot.${what}.${status}`); log({ ev: 'pilot', what, status });
    ctx.status = status; ctx.body = body;
  };
  const envelope = (code, result, error_msg = '') => answer(code, { code, error_msg, page: 0, total: 1, num_of_pages: 1, result });
  const q = await readJson(ctx.req);
  const missing = PILOT_FIELDS[what].find((f) => typeof q?.[f] !== 'string');
  if (missing) return answer(422, { detail: [{ loc: ['body', missing], msg: 'field required', type: 'value_error.missing' }] });
  if (q.username === 'mallory') return envelope(401, [], 'User is disabled');
  if (what !== 'refresh' && !USERS.has(q.username)) return envelope(404, [], 'user not found');
  const form = new URLSearchParams(what === 'refresh'
    ? { grant_type: 'refresh_token', refresh_token: q.refreshtoken }
    : { grant_type: 'password', username: q.username, password: q.password, scope: 'api' });
  const headers = { Authorization: `Basic ${btoa('portal:portal-secret')}` };
  const r = await fetch(`${ISSUER}/token`, { method: 'POST', body: form, headers });
  const t = await r.json();
  if (r.ok && what === 'hpc') return envelope(200, t.access_token);
  if (r.ok) return envelope(200, { ...t, refresh_expires_in: REFRESH_TTL, 'not-before-policy': 0, session_state: 's1' });
  if (what === 'refresh') return envelope(500, [], `Unable to get token : ${r.status}: ${t.error}`);
  return envelope(401, [], `401: ${t.error_description}`);
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/interaction/')) return interact(ctx);
  if (ctx.path === '/api/echo' || ctx.path.startsWith('/api/echo/')) return echo(ctx);
  if (ctx.path === '/stats') { ctx.body = stats; return undefined; }
  if (ctx.path === '/stats/reset') { for (const k of Object.keys(stats)) delete stats[k]; ctx.body = stats; return undefined; }
  if (ctx.method === 'POST' && ctx.path.startsWith('/admin/')) return admin(ctx);
  if (ctx.method === 'POST' && Object.hasOwn(PILOT, ctx.path)) return pilot(ctx, PILOT[ctx.path]);
  const t0 = performance.now();
  await next();
  if (ctx.path === '/token') {
    const sent = ctx.oidc?.body ?? {};
    const g = sent.grant_type ?? '<none>';
    bump('token.total'); bump(`token.${g}.${ctx.status}`);
    log({
      ev: 'token', grant_type: g, status: ctx.status, error: ctx.body?.error, client_id: ctx.oidc?.client?.clientId,
      spent: g === 'refresh_token' ? fingerprint(sent.refresh_token) : undefined,
      issued: fingerprint(ctx.body?.refresh_token), ms: +(performance.now() - t0).toFixed(1), run: sent.run,
    });
    const hold = g === 'refresh_token' && held.get(sent.run);
    if (hold) { bump('token.held'); await hold.over; }
  }
  return undefined;
});
server.on('request', provider.callback());

// One place that knows every setting: shells source this file, the Rust tests parse it.
const settings = {
  IDP_NAME: 'oidc-provider', BASE_URL: ISSUER, TOKEN_URL: `${ISSUER}/token`, REVOKE_URL: `${ISSUER}/token/revocation`,
  INTROSPECT_URL: `${ISSUER}/token/introspection`, ECHO_URL: `${ISSUER}/api/echo`, STATS_URL: `${ISSUER}/stats`,
  PILOT_ENDPOINT: ISSUER, PW_CLIENT_ID: 'portal', PW_CLIENT_SECRET: 'portal-secret', SVC_CLIENT_ID: 'svc',
  SVC_CLIENT_SECRET: 'svc-secret', ODD_CLIENT_ID: 'svc-odd', ODD_CLIENT_SECRET: 'a+b/c%41:=&d',
  JWT_CLIENT_ID: 'svc-key', JWT_CLIENT_KEY: JWT_KEY, MAC_CLIENT_ID: 'svc-mac', MAC_CLIENT_SECRET: signers[1].client_secret,
  CLI_CLIENT_ID: native.client_id, AUTH_URL: `${ISSUER}/auth`, DEVICE_URL: `${ISSUER}/device/auth`, IDP_USER: 'alice',
  IDP_PASSWORD: USERS.get('alice'), ODD_USER: 'bob', ODD_PASSWORD: USERS.get('bob'), DISABLED_USER: 'mallory',
  IDP_SCOPE: 'api', ACCESS_TTL: accessTtl, REFRESH_TTL, ACCESS_LOG,
};
if (process.env.ENV_FILE) {
  fs.writeFileSync(process.env.ENV_FILE, Object.entries(settings).map(([k, v]) => `${k}="${v}"\n`).join(''));
}
// A test that is killed can't stop its provider, but its end of the pipe closes.
if (process.env.EXIT_WITH_STDIN === '1') process.stdin.resume().on('end', () => process.exit(0));
console.log(`ready ${ISSUER}`);
