/** Preloaded into a server under test (`--import`), in its threads as well: says on standard error whom it calls. */
import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { writeSync } from 'node:fs';

const STDERR = 2;

/** @param owner of the functions, which do what they did once they are told */
function tell(owner, ...names) {
  for (const name of names) {
    const original = owner[name];
    owner[name] = function (...given) {
      // The address to listen on is one, and is looked up by nobody.
      if (typeof given[0] !== 'string' || !net.isIP(given[0])) writeSync(STDERR, `calls ${name}\n`);
      return original.apply(this, given);
    };
  }
}

tell(net.Socket.prototype, 'connect');
tell(dgram.Socket.prototype, 'send', 'connect');
tell(dns, 'lookup', 'resolve', 'resolve4', 'resolve6');
tell(dns.promises, 'lookup', 'resolve', 'resolve4', 'resolve6');
syncBuiltinESMExports();
