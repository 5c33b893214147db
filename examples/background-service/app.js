export const app = () => (_req, res) => {
  res.end('Hello\n');
};
