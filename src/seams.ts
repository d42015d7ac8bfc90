/**
 * An object with some of its members replaced. libp2p hands every service factory the same components; a library that is to
 * find something else there, or a registrar that does something else, gets this view (design: seams of libp2p).
 */
export function withReplaced<T extends object, R extends object>(target: T, replaced: R): T & R {
  return new Proxy(target, {
    get: (original, name) => Reflect.get(Object.hasOwn(replaced, name) ? replaced : original, name),
    has: (original, name) => Object.hasOwn(replaced, name) || Reflect.has(original, name)
  }) as T & R
}
