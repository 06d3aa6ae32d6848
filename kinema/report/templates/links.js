// Inside another file, as in Snakemake's report, nothing lies beside the page: what would be a link is text there.
if (!/^(file|https?):$/.test(location.protocol))
  for (const link of document.querySelectorAll("a[href^='../']")) link.removeAttribute("href");
