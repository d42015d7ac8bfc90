import type { Target } from '../target.ts'
import { connectionTarget } from './connection.ts'
import { httpTarget } from './http.ts'
import { identifyTargets } from './identify.ts'
import { kadTargets } from './kad.ts'
import { negotiationTargets } from './negotiation.ts'
import { noiseTargets } from './noise.ts'
import { settingsTargets } from './settings.ts'
import { stateTargets } from './state.ts'
import { tlsTargets } from './tls.ts'
import { valueTargets } from './values.ts'
import { yamuxTargets } from './yamux.ts'

/** Everything that reads what a stranger, a disk or an operator gives it. */
export async function allTargets(): Promise<Target[]> {
  return [
    ...kadTargets(),
    ...negotiationTargets(),
    ...(await noiseTargets()),
    ...(await tlsTargets()),
    ...yamuxTargets(),
    ...identifyTargets(),
    ...(await valueTargets()),
    ...stateTargets(),
    ...settingsTargets(),
    await connectionTarget(),
    await httpTarget()
  ]
}
