// Loaded before a server with --import: the server listens on 127.0.0.1 at a
// free port, whatever it asks for, and says where.
import net from 'node:net';

const listen = net.Server.prototype.listen;

net.Server.prototype.listen = function (...args) {
  this.once('listening', () => console.log(`listening on http://127.0.0.1:${this.address().port}`));
  return listen.call(this, { host: '127.0.0.1', port: 0 }, args.findLast((arg) => typeof arg === 'function'));
};
