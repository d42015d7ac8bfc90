// The peers that the tests speak with, built ahead: npm run peers
import { goBinaries } from './go.ts'
import { buildRustPeer, hasRust } from './rust.ts'

await goBinaries()
if (hasRust) await buildRustPeer()
