// A stand-in for a node that leaks: it keeps some memory for each connection that was ever accepted.
import { subscribe } from 'node:diagnostics_channel'

const LEAK_BYTES = 16_384
const kept = []
subscribe('net.server.socket', () => kept.push(Buffer.alloc(LEAK_BYTES, 1)))
