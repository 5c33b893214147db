export const app = () => (req, res) => {
  res.end(`${req.socket.getProtocol()}\n`);
};
