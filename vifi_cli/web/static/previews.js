// Stills turn into moving pictures while they can be seen, a few at a time, unless the user wants less motion.

const AT_ONCE = 3;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const seen = new Set();
const loading = new Map();

export function showPreviews(images) {
  if (calm.matches) return;
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) seen.add(target);
      else leave(target);
    }
    loadNext();
  }, { rootMargin: "10% 0px" });
  for (const image of images) observer.observe(image);

  function loadNext() {
    for (const image of seen) {
      if (loading.size >= AT_ONCE) return;
      if (loading.has(image) || !image.complete) continue;
      const preview = new Image();
      loading.set(image, preview);
      preview.onload = () => { image.src = preview.src; observer.unobserve(image); done(image); };
      preview.onerror = () => done(image);
      preview.src = image.dataset.preview;
    }
  }

  function done(image) {
    loading.delete(image);
    seen.delete(image);
    loadNext();
  }

  for (const image of images) image.addEventListener("load", loadNext);
}

function leave(image) {
  seen.delete(image);
  const preview = loading.get(image);
  if (preview) {
    loading.delete(image);
    preview.onload = preview.onerror = null;
    preview.src = "";  // breaks the request off
  }
}
