using System.Buffers.Binary;
using System.Text;
using VirtSecurity.Tests.Engine;
using VirtSecurity.Tools;
using Xunit;

namespace VirtSecurity.Tests.Domain.Rules;

/// <summary>What a header says of other files, from images that qemu-img made (recorded), and from such as a guest may have made.</summary>
public sealed class Qcow2Tests
{
    private const uint BackingFormat = 0xE2792ACA;

    public static TheoryData<string, string?, string?, string?> Made => new()
    {
        { "alone-v3", null, null, null },
        { "alone-v2", null, null, null },
        { "on-qcow2", "base.qcow2", "qcow2", null },
        { "on-raw", "base.raw", "raw", null },
        { "on-v2", "base.qcow2", "qcow2", null },
        { "on-absolute", "/etc/shadow", "raw", null },
        { "on-self", "on-self", "qcow2", null },
        { "on-json", "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/srv/images/base.qcow2\"}}", "qcow2", null },
        { "on-json-dotted", "json:{\"driver\":\"raw\",\"file.driver\":\"host_device\",\"file.filename\":\"/dev/vg/base\"}", "raw", null },
        { "on-nbd", "nbd://localhost:10809/base", "raw", null },
        { "on-protocol", "file:base:with:colons.raw", "raw", null },
        { "on-parent", "../base.qcow2", "qcow2", null },
        { "with-data", null, null, "with-data.raw" },
        { "small-cluster", "base.raw", "raw", null },
        { "qcow1", "base.raw", null, null },
    };

    private static IReadOnlyDictionary<string, byte[]> Headers { get; } = File.ReadLines(Path.Combine(EngineRun.RepoRoot, "tests", "VirtSecurity.Tests", "Fixtures", "debian12", "qcow2-headers.tsv"))
        .Where(line => line[0] != '#').Select(line => line.Split('\t')).ToDictionary(words => words[0], words => Padded(Convert.FromBase64String(words[1])));

    /// <summary>The first bytes of an image that qemu-img made.</summary>
    public static byte[] Header(string name) => Headers[name];

    /// <summary>The first bytes of an image that is based on another, as QEMU lays them out.</summary>
    public static byte[] Header(string backing, string? format)
    {
        var bytes = Padded(Headers["alone-v3"].AsSpan(0, 112));
        var at = 112;
        if (format is not null)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), BackingFormat);
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at + 4), (uint)format.Length);
            Encoding.UTF8.GetBytes(format, bytes.AsSpan(at + 8));
            at += 8 + ((format.Length + 7) & ~7);
        }

        at += 8;
        var name = Encoding.UTF8.GetBytes(backing);
        name.CopyTo(bytes, at);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), (ulong)at);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), (uint)name.Length);
        return bytes;
    }

    [Theory]
    [MemberData(nameof(Made))]
    public void WhatQemuImgWroteIsRead(string image, string? backing, string? format, string? data) =>
        Assert.Equal(new Qcow2Answer(new Qcow2Header(backing, format, data), "", 0), Qcow2.Parse(Headers[image]));

    [Theory]
    [InlineData("", "no qcow2")]
    [InlineData("magic", "no qcow2")]
    [InlineData("short", "cut off")]
    [InlineData("version", "version 7")]
    [InlineData("cluster", "cluster size 2^40")]
    [InlineData("header length", "header length")]
    [InlineData("name far away", "outside its first cluster")]
    [InlineData("name at the end of numbers", "outside its first cluster")]
    [InlineData("name long", "too long")]
    [InlineData("name with NUL", "is none")]
    [InlineData("name of NULs", "is none")]
    [InlineData("extension long", "cut off")]
    public void AHeaderThatIsNoneSaysWhy(string broken, string words)
    {
        var bytes = Header("/base", "raw");
        switch (broken)
        {
            case "": bytes = []; break;
            case "magic": bytes[3] = 0; break;
            case "short": bytes = bytes[..80]; break;
            case "version": bytes[7] = 7; break;
            case "cluster": bytes[23] = 40; break;
            case "header length": bytes[100] = 0xff; break;
            case "name far away": BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), 1UL << 20); break;
            case "name at the end of numbers": BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), ulong.MaxValue); break;
            case "name long": BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(16), 1024); break;
            case "name with NUL": bytes[BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(14)) + 2] = 0; break;
            case "name of NULs": bytes.AsSpan(BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(14)), 5).Clear(); break;
            case "extension long": BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(116), uint.MaxValue); break;
        }

        var answer = Qcow2.Parse(bytes);
        Assert.Equal((null, 0), (answer.Header, answer.BytesNeeded));
        Assert.Contains(words, answer.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void ALongHeaderIsAskedForOnceMoreAndNoFurther()
    {
        var bytes = Header("/base", "raw");
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan(8), 60_000);
        var whole = new byte[65536];
        bytes.CopyTo(whole, 0);
        "/base"u8.CopyTo(whole.AsSpan(60_000));
        Assert.Equal(65536, Qcow2.Parse(whole.AsSpan(0, Qcow2.FirstBytes)).BytesNeeded);
        Assert.Equal(new Qcow2Header("/base", "raw", null), Qcow2.Parse(whole).Header);
        Assert.Equal((null, 0), (Qcow2.Parse(whole.AsSpan(0, 50_000)).Header, Qcow2.Parse(whole.AsSpan(0, 50_000)).BytesNeeded));
    }

    // qemu-block-drivers(7).
    [Theory]
    [InlineData("base", "/srv/images/base", null)]
    [InlineData("../base", "/srv/images/../base", null)]
    [InlineData("/etc/shadow", "/etc/shadow", null)]
    [InlineData("sub/with:colon", "/srv/images/sub/with:colon", null)]
    [InlineData("file:with:colon", "/srv/images/with:colon", null)]
    [InlineData("file:/abs", "/abs", null)]
    [InlineData("host_device:/dev/vg/a", "/dev/vg/a", null)]
    [InlineData("nbd://host/a", null, null)]
    [InlineData("https://host/a", null, null)]
    [InlineData("rbd:pool/a", null, null)]
    [InlineData("file:", null, null)]
    [InlineData("json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"/b\"}}", "/b", "qcow2")]
    [InlineData("json:{\"driver\":\"raw\",\"file.driver\":\"host_device\",\"file.filename\":\"/dev/vg/b\"}", "/dev/vg/b", "raw")]
    [InlineData("json:{\"file.filename\":\"b\"}", "/b", null)]
    [InlineData("json:{\"driver\":\"file\",\"filename\":\"/b\"}", "/b", null)]
    [InlineData("json:{\"driver\":\"luks\",\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/b\"}}}", "/b", "luks")]
    [InlineData("json:{\"driver\":\"nbd\",\"server.host\":\"x\"}", null, "nbd")]
    [InlineData("json:{\"file\":\"node\"}", null, null)]
    [InlineData("json:[]", null, null)]
    [InlineData("json:{\"driver\":7,\"filename\":[]}", null, null)]
    public void ANameOfABackingFileLeadsToAPathAsInQemu(string name, string? path, string? format)
    {
        Assert.Equal(path, ImageName.PathOf(name, "/srv/images/top", out var declared));
        Assert.Equal(format, declared);
    }

    [Theory]
    [InlineData("json:")]
    [InlineData("json:{")]
    [InlineData("json:{\"file.filename\":\"\\ud800\"}")]
    public void AJsonNameThatIsNoneIsSaid(string name) => Assert.Throws<FormatException>(() => ImageName.PathOf(name, "/srv/images/top", out _));

    private static byte[] Padded(ReadOnlySpan<byte> bytes)
    {
        var padded = new byte[1024];
        bytes.CopyTo(padded);
        return padded;
    }
}
