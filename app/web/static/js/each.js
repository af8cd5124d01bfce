// The same for many things, a few at a time.

const AT_ONCE = 4;

/**
 * Await `action(item)` for each item.
 * @param onProgress hears the share that is over, 0 to 1
 * @returns {done, failures}: how many went well, and the errors of the others
 */
export async function withEach(items, action, onProgress = () => {}) {
  const [waiting, failures] = [[...items], []];
  let done = 0;
  const work = async () => {
    while (waiting.length) {
      try {
        await action(waiting.shift());
        done += 1;
      } catch (error) {
        failures.push(error);
      }
      onProgress((done + failures.length) / items.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { done, failures };
}

/** "12 tracks deleted; 1 failed: There is no …". */
export function outcomeOf({ done, failures }, inWords) {
  if (!failures.length) return inWords(done);
  return `${inWords(done)}; ${failures.length} failed: ${failures[0].message}`;
}
