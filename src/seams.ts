/**
 * The components of libp2p as one service sees them, with some replaced. libp2p hands every service factory the same
 * object; a library that is to find something else there gets this view (design: seams of libp2p).
 */
export function withComponents<C extends object, R extends object>(components: C, replaced: R): C & R {
  return new Proxy(components, {
    get: (target, name) => Reflect.get(Object.hasOwn(replaced, name) ? replaced : target, name),
    has: (target, name) => Object.hasOwn(replaced, name) || Reflect.has(target, name)
  }) as C & R
}
