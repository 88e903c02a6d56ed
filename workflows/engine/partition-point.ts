/** The first index below `length` at which it does not hold any more; `length`: it always does. It holds of a beginning. */
export function partitionPoint(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  for (let high = length; low < high; ) {
    const middle = (low + high) >> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
