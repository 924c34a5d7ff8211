// The issuer of the npm package oauth2-mock-server, driven by lines of JSON on standard input; one answer per line.
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.argv[2]}/`);
const { OAuth2Issuer, OAuth2Service } = await import(pathToFileURL(require.resolve('oauth2-mock-server')).href);

const issuer = new OAuth2Issuer();
const service = new OAuth2Service(issuer);
let keys = 0;
let key;
const rotate = async (alg) => {
  key = await issuer.keys.generate(alg ?? 'RS256', { kid: `key-${++keys}` });
  return key.kid;
};
await rotate();

// How often the key set was asked for, and whether it is there at all.
let asked = 0;
let isDown = false;
const server = createServer((request, response) => {
  if (request.url.startsWith('/jwks')) {
    asked += 1;
    if (isDown) {
      response.statusCode = 500;
      response.end();
      return;
    }
  }
  service.requestHandler(request, response);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
issuer.url = `http://localhost:${server.address().port}`;

// Claims that the token of a login has beside its own.
let login = {};
service.on('beforeTokenSigning', (token) => Object.assign(token.payload, login));

const part = (value) => Buffer.from(value).toString('base64url');
const commands = {
  // A token with these claims and no others, by the key that is named, or the newest.
  sign: ({ claims, kid, header }) =>
    issuer.buildToken({
      kid: kid ?? key.kid,
      scopesOrTransform: (head, payload) => {
        for (const name of Object.keys(payload)) delete payload[name];
        Object.assign(payload, claims);
        Object.assign(head, header);
      },
    }),
  // What an attacker makes: any header, and a signature by the public key as if it were a shared secret, or none.
  forge: ({ claims, header }) => {
    const message = `${part(JSON.stringify(header))}.${part(JSON.stringify(claims))}`;
    if (header.alg === 'none') return `${message}.`;
    const secret = JSON.stringify(issuer.keys.toJSON()[0]);
    return `${message}.${createHmac('sha256', secret).update(message).digest('base64url')}`;
  },
  rotate: ({ alg }) => rotate(alg),
  asked: () => asked,
  down: ({ is }) => (isDown = is),
  login: ({ claims }) => (login = claims),
};
process.stdout.write(`${JSON.stringify(issuer.url)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify((await commands[command](rest)) ?? null)}\n`);
}
process.exit(0);
