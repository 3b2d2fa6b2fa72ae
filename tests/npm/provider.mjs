// node provider.mjs CALLBACK: an OpenID provider on loopback, with the one client
// "gateway". Anybody signs in with any name and password.
import http from 'node:http';
import { Provider } from 'oidc-provider';

const [callback] = process.argv.slice(2);
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'gateway',
        client_secret: 'the secret & of the gateway: +%',
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    cookies: { keys: ['a key of the provider'] },
    claims: { openid: ['sub'], profile: ['name', 'roles'] },
    conformIdTokenClaims: false,
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, name: id, roles: id === 'ada' ? ['buyer'] : [] }),
    }),
    features: { revocation: { enabled: true } },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    pkce: { required: () => true },
  });
  server.on('request', provider.callback());
  console.log(`listening on ${issuer}`);
});
