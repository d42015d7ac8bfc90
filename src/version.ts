import { readFileSync } from 'node:fs'

/** The version in package.json, which stands beside dist/ in a checkout, in the image and in the published package. */
export const version: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
